//! The transmissions of all streams, kept together, so that a connection with little under way takes little memory.
//!
//! What is not acknowledged stands in a pool: each stream has a list in it, oldest first, and what one stream gives back the
//! next one uses, warm in the processor's cache. What is acknowledged may still be evidence (a duplicate, a DSACK, a needless
//! repeat) and goes to a ring that all streams share: a stream alone finds its last `MAX_ACKNOWLEDGED` there, and a hundred
//! thousand at once find what was acknowledged lately. So memory follows what is under way and never the number of packets.

use super::stream::Sent;
use crate::utils::prefetch::prefetch;

/// The most acknowledged transmissions of one stream that are found.
pub const MAX_ACKNOWLEDGED: u32 = 512;
/// The most acknowledged transmissions of all streams together that are kept.
pub const MAX_ACKNOWLEDGED_OF_ALL: usize = 65_536;

/// Transmissions of all streams together that are not acknowledged, from which on a stream that adds one gives one up: room for a
/// hundred thousand connections with twenty each under way, in some 170 MB.
pub const MAX_UNACKNOWLEDGED_OF_ALL: usize = 1 << 21;

/// Holes and ranges of selectively acknowledged octets of all streams together, from which on a stream that has another one gives one
/// up: some 80 MB.
pub const MAX_PIECES_OF_ALL: usize = 1 << 20;

/// No node.
const NONE: u32 = u32::MAX;

#[derive(Debug)]
struct Node {
    sent: Sent,
    older: u32,
    newer: u32,
}

#[derive(Debug)]
struct Acknowledged {
    sent: Sent,
    /// Where the one before it of the same stream stands.
    before: u64,
    /// How many of its stream came before it.
    number: u32,
}

/// One stream's transmissions in the log.
#[derive(Debug)]
pub struct SentList {
    oldest: u32,
    newest: u32,
    len: u32,
    /// How many were acknowledged so far.
    acknowledged: u32,
    /// Where the latest acknowledged one stands, counted from 1; 0 before there is one.
    latest_acknowledged: u64,
}

impl Default for SentList {
    fn default() -> Self {
        Self {
            oldest: NONE,
            newest: NONE,
            len: 0,
            acknowledged: 0,
            latest_acknowledged: 0,
        }
    }
}

impl Clone for SentList {
    /// An empty list: transmissions belong to one stream, and the copy of a connection that is kept to be shown has none.
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl SentList {
    /// How many transmissions are not acknowledged.
    pub const fn len(&self) -> usize {
        self.len as usize
    }

    /// Whether everything is acknowledged.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }
}

/// All transmissions that are kept.
#[derive(Debug)]
pub struct SentLog {
    nodes: Vec<Node>,
    free: u32,
    ring: Ring,
    /// Holes and ranges of all streams: they keep them themselves.
    pieces: usize,
}

impl Default for SentLog {
    fn default() -> Self {
        Self {
            nodes: Vec::new(),
            free: NONE,
            ring: Ring::default(),
            pieces: 0,
        }
    }
}

/// What was acknowledged lately, of all streams.
#[derive(Debug, Default)]
struct Ring {
    kept: Vec<Acknowledged>,
    /// How many there were so far; they are numbered from 1.
    total: u64,
}

impl Ring {
    /// Where in the ring the one of this number stands or stood.
    const fn turn(position: u64) -> usize {
        (position.wrapping_sub(1) % MAX_ACKNOWLEDGED_OF_ALL as u64) as usize
    }

    /// Where the one of this number stands; `None` if it was overwritten.
    fn place(&self, position: u64) -> Option<usize> {
        let age = self.total.checked_sub(position)?;
        let kept = position > 0 && age < MAX_ACKNOWLEDGED_OF_ALL as u64;
        kept.then_some(Self::turn(position))
    }

    fn at(&self, position: u64) -> Option<&Acknowledged> {
        self.kept.get(self.place(position)?)
    }

    /// Adds one to those of a list.
    #[inline]
    fn add(&mut self, list: &mut SentList, sent: &Sent) {
        self.total += 1;
        let (before, number) = (list.latest_acknowledged, list.acknowledged);
        list.acknowledged = list.acknowledged.wrapping_add(1);
        list.latest_acknowledged = self.total;
        match self.kept.get_mut(Self::turn(self.total)) {
            Some(old) => {
                (old.before, old.number) = (before, number);
                old.sent = *sent;
            }
            None => self.kept.push(Acknowledged {
                sent: *sent,
                before,
                number,
            }),
        }
    }
}

impl SentLog {
    /// Octets of memory it takes.
    pub fn memory(&self) -> usize {
        self.nodes.capacity() * size_of::<Node>()
            + self.ring.kept.capacity() * size_of::<Acknowledged>()
    }

    /// Transmissions of a list that are not acknowledged, latest first.
    pub fn unacknowledged<'a>(
        &'a self,
        list: &SentList,
    ) -> impl Iterator<Item = &'a Sent> + use<'a> {
        let mut at = list.newest;
        std::iter::from_fn(move || {
            let node = self.nodes.get(at as usize)?;
            at = node.older;
            Some(&node.sent)
        })
    }

    /// Acknowledged transmissions of a list as far as they are kept, latest first.
    pub fn acknowledged<'a>(&'a self, list: &SentList) -> impl Iterator<Item = &'a Sent> + use<'a> {
        let (mut position, newest) = (list.latest_acknowledged, list.acknowledged);
        std::iter::from_fn(move || {
            let old = self.ring.at(position)?;
            if newest.wrapping_sub(old.number) > MAX_ACKNOWLEDGED {
                return None;
            }
            position = old.before;
            Some(&old.sent)
        })
    }

    /// Asks for the oldest transmission of a list that is not acknowledged.
    pub(super) fn prefetch_oldest(&self, list: &SentList) {
        if let Some(node) = self.nodes.get(list.oldest as usize) {
            prefetch(node);
        }
    }

    /// Whether there is no room for more, but for the first of each stream.
    #[inline]
    pub const fn is_full(&self) -> bool {
        self.free == NONE && self.nodes.len() >= MAX_UNACKNOWLEDGED_OF_ALL
    }

    /// A stream that had so many holes and ranges has so many now.
    #[inline]
    pub fn note_pieces(&mut self, before: usize, now: usize) {
        self.pieces = self.pieces.saturating_sub(before).saturating_add(now);
    }

    #[cfg(test)]
    pub(super) const fn pieces(&self) -> usize {
        self.pieces
    }

    /// Whether all streams together have more holes and ranges than there is to be room for.
    #[inline]
    pub const fn has_too_many_pieces(&self) -> bool {
        self.pieces >= MAX_PIECES_OF_ALL
    }

    /// Adds a transmission to a list.
    pub fn push(&mut self, list: &mut SentList, sent: &Sent) {
        let older = list.newest;
        let at = match self.nodes.get_mut(self.free as usize) {
            Some(place) => {
                let next = std::mem::replace(&mut place.newer, NONE);
                place.older = older;
                place.sent = *sent;
                let at = std::mem::replace(&mut self.free, next);
                // The one that is written next.
                if let Some(free) = self.nodes.get(next as usize) {
                    prefetch(free);
                }
                at
            }
            None => {
                self.nodes.push(Node {
                    sent: *sent,
                    older,
                    newer: NONE,
                });
                (self.nodes.len() - 1) as u32
            }
        };
        match self.nodes.get_mut(list.newest as usize) {
            Some(before) => before.newer = at,
            None => list.oldest = at,
        }
        list.newest = at;
        list.len += 1;
    }

    /// Takes the oldest transmission out of a list.
    pub fn drop_oldest(&mut self, list: &mut SentList) {
        if self.nodes.get(list.oldest as usize).is_some() {
            self.unlink_oldest(list);
        }
    }

    /// Keeps the oldest transmission of a list as acknowledged, if the condition holds for it, and returns it.
    pub fn acknowledge_oldest_if(
        &mut self,
        list: &mut SentList,
        condition: impl FnOnce(&Sent) -> bool,
    ) -> Option<&Sent> {
        let at = list.oldest as usize;
        if !condition(&self.nodes.get(at)?.sent) {
            return None;
        }
        self.unlink_oldest(list);
        // The node is free by now, but nothing has been written into it yet.
        let sent = &self.nodes.get(at)?.sent;
        self.ring.add(list, sent);
        Some(sent)
    }

    /// Keeps a transmission as acknowledged from the beginning, in a list in which nothing waits: those that do passed before it.
    pub fn keep_acknowledged(&mut self, list: &mut SentList, sent: &Sent) {
        self.ring.add(list, sent);
    }

    /// Gives the first node of a list, which has one, back to the pool.
    fn unlink_oldest(&mut self, list: &mut SentList) {
        let at = list.oldest;
        let Some(node) = self.nodes.get_mut(at as usize) else {
            return;
        };
        list.oldest = std::mem::replace(&mut node.newer, std::mem::replace(&mut self.free, at));
        list.len -= 1;
        match self.nodes.get_mut(list.oldest as usize) {
            Some(next) => next.older = NONE,
            None => list.newest = NONE,
        }
    }

    /// Changes the latest `most` of those that are not acknowledged.
    pub fn change(&mut self, list: &SentList, most: usize, mut change: impl FnMut(&mut Sent)) {
        let mut at = list.newest;
        for _ in 0..most {
            let Some(node) = self.nodes.get_mut(at as usize) else {
                return;
            };
            change(&mut node.sent);
            at = node.older;
        }
    }

    /// Changes all that are kept of a list.
    pub fn change_all(&mut self, list: &SentList, mut change: impl FnMut(&mut Sent)) {
        self.change(list, usize::MAX, &mut change);
        let (mut position, newest) = (list.latest_acknowledged, list.acknowledged);
        while let Some(place) = self.ring.place(position)
            && let Some(old) = self.ring.kept.get_mut(place)
            && newest.wrapping_sub(old.number) <= MAX_ACKNOWLEDGED
        {
            change(&mut old.sent);
            position = old.before;
        }
    }

    /// Forgets a list. Gives its nodes back in constant time.
    pub fn forget(&mut self, list: &mut SentList) {
        if let Some(last) = self.nodes.get_mut(list.newest as usize) {
            last.newer = std::mem::replace(&mut self.free, list.oldest);
        }
        *list = SentList::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tracking::stream::tests::sent;

    #[test]
    fn lists_share_the_pool_and_give_back() {
        let (mut log, mut a, mut b) =
            (SentLog::default(), SentList::default(), SentList::default());
        for frame in 1..=3 {
            log.push(&mut a, &sent(0, 1, frame));
            log.push(&mut b, &sent(0, 1, 10 + frame));
        }
        let frames = |log: &SentLog, list: &SentList| -> Vec<u64> {
            log.unacknowledged(list).map(|sent| sent.frame).collect()
        };
        assert_eq!(
            (frames(&log, &a), frames(&log, &b)),
            (vec![3, 2, 1], vec![13, 12, 11])
        );
        assert_eq!(
            log.acknowledge_oldest_if(&mut a, |_| true).map(|s| s.frame),
            Some(1)
        );
        assert!(log.acknowledge_oldest_if(&mut a, |_| false).is_none());
        log.forget(&mut b);
        let nodes = log.nodes.len();
        (0..4).for_each(|frame| log.push(&mut b, &sent(0, 1, frame)));
        assert_eq!(
            (log.nodes.len(), frames(&log, &b)),
            (nodes, vec![3, 2, 1, 0])
        );
        assert_eq!((a.len(), frames(&log, &a)), (2, vec![3, 2]));
        while !a.is_empty() {
            log.drop_oldest(&mut a);
        }
        log.drop_oldest(&mut a);
        assert!(a.is_empty() && frames(&log, &a).is_empty());
    }

    #[test]
    fn the_ring_forgets_the_oldest_of_all_and_of_each() {
        let (mut log, mut a, mut b) =
            (SentLog::default(), SentList::default(), SentList::default());
        let acknowledge = |log: &mut SentLog, list: &mut SentList, frame| {
            log.push(list, &sent(0, 1, frame));
            let sent = log.acknowledge_oldest_if(list, |_| true);
            assert_eq!(sent.map(|sent| sent.frame), Some(frame));
        };
        acknowledge(&mut log, &mut b, 1);
        for frame in 0..1000 {
            acknowledge(&mut log, &mut a, frame);
        }
        assert_eq!(log.acknowledged(&a).count(), MAX_ACKNOWLEDGED as usize);
        assert_eq!(log.acknowledged(&a).next().map(|s| s.frame), Some(999));
        assert_eq!(log.acknowledged(&b).count(), 1);
        for frame in 0..MAX_ACKNOWLEDGED_OF_ALL as u64 {
            acknowledge(&mut log, &mut a, frame);
        }
        assert_eq!(
            (log.acknowledged(&b).count(), log.ring.kept.len()),
            (0, MAX_ACKNOWLEDGED_OF_ALL)
        );
        log.change_all(&a, |sent| sent.spurious = true);
        assert!(log.acknowledged(&a).all(|sent| sent.spurious));
    }
}
