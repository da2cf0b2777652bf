//! How times spread, in little memory: themselves while they are few, then how many lie in each step of a logarithmic scale, whose
//! steps are so narrow that the middle of one is at most 1 % from any time in it.

use arrayvec::ArrayVec;

/// Up to this many samples the percentiles are exact.
pub const EXACT_SAMPLES: usize = 16;
/// The relative error of percentiles from then on.
pub const PERCENTILE_ERROR: f64 = 0.01;

/// Steps per doubling. With the true logarithm 35 would do.
const STEPS_PER_DOUBLING: u64 = 40;

/// The step that a time in nanoseconds lies in: 0 for none and less, those below 30 each in their own.
#[inline]
pub fn step_of(nanos: i64) -> u16 {
    let Some(nanos) = u64::try_from(nanos).ok().filter(|&nanos| nanos > 0) else {
        return 0;
    };
    let doubling = nanos.ilog2();
    // How far it is into the doubling, in 2^-32, and about its logarithm: x + x (1 - x) / 3 bends as far as the steps need.
    let place = ((nanos << (63 - doubling)) >> 31) & 0xffff_ffff;
    let bent = place + ((place * ((1 << 32) - place)) >> 32) / 3;
    (1 + u64::from(doubling) * STEPS_PER_DOUBLING + ((bent * STEPS_PER_DOUBLING) >> 32)) as u16
}

/// The shortest time in nanoseconds that lies in this step or a later one.
fn beginning_of(step: u16) -> u64 {
    let (mut below, mut from) = (0u64, i64::MAX.unsigned_abs());
    while from - below > 1 {
        let middle = below + (from - below) / 2;
        if step_of(middle as i64) >= step {
            from = middle;
        } else {
            below = middle;
        }
    }
    from
}

/// The middle of a step in nanoseconds.
fn middle_of(step: u16) -> f64 {
    if step == 0 {
        return 0.0;
    }
    let (first, behind) = (beginning_of(step), beginning_of(step + 1));
    (first as f64 + (behind - 1) as f64) / 2.0
}

/// How the samples spread.
#[derive(Clone, Debug)]
pub enum Distribution {
    /// Themselves, in nanoseconds.
    Exact(Vec<i64>),
    /// How many lie in each step.
    Steps(Steps),
}

impl Default for Distribution {
    fn default() -> Self {
        Distribution::Exact(Vec::new())
    }
}

impl Distribution {
    /// Adds a sample in nanoseconds.
    pub fn add(&mut self, nanos: i64) {
        match self {
            Distribution::Exact(samples) if samples.len() < EXACT_SAMPLES => samples.push(nanos),
            Distribution::Exact(_) | Distribution::Steps(_) => self.add_steps(step_of(nanos), 1),
        }
    }

    /// Adds so many samples in a step; from now on they are counted in steps.
    pub fn add_steps(&mut self, step: u16, count: u32) {
        if let Distribution::Exact(samples) = self {
            let mut steps = Steps::default();
            samples
                .iter()
                .for_each(|&nanos| steps.add(step_of(nanos), 1));
            *self = Distribution::Steps(steps);
        }
        if let Distribution::Steps(steps) = self
            && count > 0
        {
            steps.add(step, count);
        }
    }

    /// How many samples there are.
    pub fn count(&self) -> u64 {
        match self {
            Distribution::Exact(samples) => samples.len() as u64,
            Distribution::Steps(steps) => steps.count(),
        }
    }

    /// The sample of this rank, from 0, in nanoseconds; `None` without so many.
    pub fn at(&self, rank: u64) -> Option<f64> {
        match self {
            Distribution::Exact(samples) => {
                let mut sorted = samples.clone();
                sorted.sort_unstable();
                let at = usize::try_from(rank).ok()?;
                sorted.get(at).map(|&nanos| nanos as f64)
            }
            Distribution::Steps(steps) => steps.at(rank),
        }
    }

    /// Octets of memory it takes beside its own size.
    pub fn memory(&self) -> usize {
        match self {
            Distribution::Exact(samples) => samples.capacity() * size_of::<i64>(),
            Distribution::Steps(steps) => steps.memory(),
        }
    }
}

/// How many samples lie in each step. At most some 2500 steps cover all times there are, so that memory stays below 32 KiB.
#[derive(Clone, Debug)]
pub enum Steps {
    /// Those that have samples, in order, while they are few.
    Named(Vec<Step>),
    /// All from the lowest to the highest that have samples: the place of each is known without a search.
    InARow {
        /// The lowest.
        first: u16,
        /// Samples in it and in those behind it.
        counts: Vec<u32>,
    },
}

/// Steps that are named one by one at most.
const MOST_NAMED: usize = 32;

/// How many samples lie in a step of the scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    count: u32,
    step: u16,
}

impl Default for Steps {
    fn default() -> Self {
        Steps::Named(Vec::new())
    }
}

impl Steps {
    /// Adds so many samples in a step.
    pub fn add(&mut self, step: u16, count: u32) {
        match self {
            Steps::InARow { first, counts } => {
                let place = step.checked_sub(*first).map(usize::from);
                if let Some(sum) = place.and_then(|place| counts.get_mut(place)) {
                    *sum = sum.saturating_add(count);
                } else {
                    make_longer(first, counts, step);
                    self.add(step, count);
                }
            }
            Steps::Named(steps) => match steps.binary_search_by_key(&step, |old| old.step) {
                Ok(at) => steps[at].count = steps[at].count.saturating_add(count),
                Err(_) if steps.len() >= MOST_NAMED => {
                    let (mut first, mut counts) = (step, vec![count]);
                    for old in steps {
                        make_longer(&mut first, &mut counts, old.step);
                        counts[usize::from(old.step - first)] = old.count;
                    }
                    *self = Steps::InARow { first, counts };
                }
                Err(at) => {
                    if steps.len() == steps.capacity() {
                        steps.reserve_exact(4 + steps.len() / 4);
                    }
                    steps.insert(at, Step { count, step });
                }
            },
        }
    }

    fn count(&self) -> u64 {
        self.iter().map(|(_, count)| u64::from(count)).sum()
    }

    fn iter(&self) -> impl Iterator<Item = (u16, u32)> {
        let (named, first, counts): (&[Step], u16, &[u32]) = match self {
            Steps::Named(steps) => (steps, 0, &[]),
            Steps::InARow { first, counts } => (&[], *first, counts),
        };
        let in_a_row = (first..).zip(counts.iter().copied());
        named
            .iter()
            .map(|step| (step.step, step.count))
            .chain(in_a_row)
    }

    fn at(&self, rank: u64) -> Option<f64> {
        let mut below = 0u64;
        let (step, _) = self.iter().find(|&(_, count)| {
            below += u64::from(count);
            below > rank
        })?;
        Some(middle_of(step))
    }

    fn memory(&self) -> usize {
        match self {
            Steps::Named(steps) => steps.capacity() * size_of::<Step>(),
            Steps::InARow { counts, .. } => counts.capacity() * size_of::<u32>(),
        }
    }
}

/// Makes a row of steps reach to this one.
fn make_longer(first: &mut u16, counts: &mut Vec<u32>, step: u16) {
    if let Some(before) = first.checked_sub(step) {
        counts.splice(..0, std::iter::repeat_n(0, before.into()));
        *first = step;
    }
    let len = usize::from(step - *first) + 1;
    if len > counts.len() {
        counts.reserve_exact(len - counts.len());
        counts.resize(len, 0);
    }
}

/// Some samples that lie close together, in 16 octets: a 1 for each sample, a 0 for the way to each next step.
#[derive(Clone, Copy, Debug, Default)]
pub struct Few {
    bits: [u64; 2],
    first: u16,
    /// Whether there are any. It also leaves room to tell what else may stand in the place of this.
    any: bool,
}

impl Few {
    /// Adds a sample in a step. Returns whether there was room for it.
    #[inline]
    #[must_use]
    pub fn add(&mut self, step: u16) -> bool {
        let mut bits = self.bits();
        if !self.any {
            (self.first, self.any) = (step, true);
        }
        let steps = if let Some(lower) = self.first.checked_sub(step) {
            if u32::from(lower) >= bits.leading_zeros() {
                return false;
            }
            (bits, self.first) = (bits << lower, step);
            0
        } else {
            u32::from(step - self.first)
        };
        let Some(place) = Self::behind_zeros(bits, steps).filter(|_| bits.leading_zeros() > 0)
        else {
            return false;
        };
        let below = (1u128 << place) - 1;
        let bits = (bits & below) | (1 << place) | ((bits & !below) << 1);
        self.bits = [bits as u64, (bits >> 64) as u64];
        true
    }

    fn bits(&self) -> u128 {
        u128::from(self.bits[0]) | u128::from(self.bits[1]) << 64
    }

    /// The place behind so many zeros; `None` without so many.
    fn behind_zeros(bits: u128, zeros: u32) -> Option<u32> {
        let Some(rank) = zeros.checked_sub(1) else {
            return Some(0);
        };
        let low = !(bits as u64);
        let in_low = low.count_ones();
        let place = if rank < in_low {
            place_of_one(low, rank)
        } else {
            let high = !((bits >> 64) as u64);
            if rank - in_low >= high.count_ones() {
                return None;
            }
            64 + place_of_one(high, rank - in_low)
        };
        Some(place + 1).filter(|&place| place < 128)
    }

    /// The step of each sample, in order.
    pub fn steps(&self) -> impl Iterator<Item = u16> {
        let bits = self.bits();
        let used = 128 - bits.leading_zeros();
        let mut step = self.first;
        (0..used).filter_map(move |at| {
            let sample = bits >> at & 1 == 1;
            step += u16::from(!sample);
            sample.then_some(step)
        })
    }
}

/// The place of the one that so many others are below; there must be so many.
#[inline]
fn place_of_one(mut word: u64, mut rank: u32) -> u32 {
    let mut place = 0;
    for half in [32, 16, 8] {
        let below = (word & ((1 << half) - 1)).count_ones();
        if rank >= below {
            (rank, word, place) = (rank - below, word >> half, place + half);
        }
    }
    for _ in 0..rank {
        word &= word.wrapping_sub(1);
    }
    place + word.trailing_zeros()
}

/// The octets of samples that lie anywhere, in order and packed: each says how many steps it is from the one before, times two, and
/// one more if a sample lies there. At most this many octets are put in for one sample.
pub type Put = ArrayVec<u8, 32>;

/// The longest way that one octet can say.
const FARTHEST: u16 = 127;

/// Where a sample in a step goes among packed octets whose first one lies in `first`: the place, what to put there, and how many
/// steps the octet that is now behind it (if there is one) is nearer to what stands before it. Sets `first` to what it is then.
pub fn place_packed(octets: &[u8], first: &mut u16, step: u16) -> (usize, Put, u8) {
    let mut put = Put::new();
    if octets.is_empty() {
        *first = step;
    }
    if step < *first {
        // The sample, and the way to the octet that was the first: the last part of it goes to that one, whose way was 0.
        let way = *first - step;
        *first = step;
        put.push(1);
        put.extend((0..way / FARTHEST).map(|_| (FARTHEST << 1) as u8));
        let rest = (way % FARTHEST) as u8;
        return (0, put, 0u8.wrapping_sub(rest));
    }
    let (mut place, mut at) = (*first, 0);
    while let Some(&octet) = octets.get(at)
        && place + u16::from(octet >> 1) <= step
    {
        place += u16::from(octet >> 1);
        at += 1;
    }
    let way = step - place;
    if at == octets.len() {
        put.extend((0..way / FARTHEST).map(|_| (FARTHEST << 1) as u8));
        put.push(((way % FARTHEST) << 1) as u8 | 1);
        return (at, put, 0);
    }
    put.push((way << 1) as u8 | 1);
    (at, put, way as u8)
}

/// The step of each sample among packed octets, in order.
pub fn packed_steps(octets: &[u8], first: u16) -> impl Iterator<Item = u16> {
    let mut step = first;
    octets.iter().filter_map(move |&octet| {
        step += u16::from(octet >> 1);
        (octet & 1 == 1).then_some(step)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_cover_all_times_in_order_with_a_small_error() {
        let mut before = 0;
        for nanos in (0..63).flat_map(|power| {
            (0..200).map(move |part| (1i64 << power) + part * ((1i64 << power) / 200))
        }) {
            let (step, middle) = (step_of(nanos), middle_of(step_of(nanos)));
            assert!(step >= before, "{nanos}");
            assert!(
                (middle - nanos as f64).abs() <= nanos as f64 * PERCENTILE_ERROR,
                "{nanos} {middle}"
            );
            before = step;
        }
        assert_eq!((step_of(-1), step_of(0), middle_of(0)), (0, 0, 0.0));
        assert!((0..30).all(|nanos| middle_of(step_of(nanos)) == nanos as f64));
        assert!(usize::from(step_of(i64::MAX)) * size_of::<Step>() * 5 / 4 < 32 * 1024);
    }

    /// Numbers that jump about, the same ones each time.
    fn numbers(mut state: u32) -> impl Iterator<Item = u16> {
        std::iter::repeat_with(move || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 16) as u16
        })
    }

    #[test]
    fn few_say_what_was_put_in_until_there_is_no_room() {
        for (seed, range) in [
            (1, 1),
            (2, 3),
            (3, 40),
            (4, 90),
            (5, 120),
            (6, 200),
            (7, 2000),
        ] {
            let (mut few, mut samples) = (Few::default(), Vec::new());
            for step in numbers(seed).map(|number| 100 + number % range).take(200) {
                if !few.add(step) {
                    let with = samples.iter().copied().chain([step]);
                    let (least, most) = (with.clone().min().unwrap(), with.max().unwrap());
                    assert!(
                        usize::from(most - least) + samples.len() + 1 > 128,
                        "{seed}"
                    );
                    break;
                }
                samples.push(step);
                samples.sort_unstable();
                assert_eq!(few.steps().collect::<Vec<_>>(), samples, "{seed}");
            }
            assert!(samples.len() < 129);
        }
    }

    #[test]
    fn packed_octets_say_what_was_put_in() {
        for (seed, range) in [(1, 1), (2, 3), (3, 120), (4, 300), (5, 2500)] {
            let (mut octets, mut first, mut samples) = (Vec::new(), 0, Vec::new());
            for step in numbers(seed).map(|number| number % range).take(200) {
                let (at, put, nearer) = place_packed(&octets, &mut first, step);
                if let Some(next) = octets.get_mut(at) {
                    *next = next.wrapping_sub(nearer << 1);
                }
                octets.splice(at..at, put);
                samples.push(step);
                samples.sort_unstable();
                assert_eq!(
                    packed_steps(&octets, first).collect::<Vec<_>>(),
                    samples,
                    "{seed}"
                );
            }
            assert!(octets.len() <= 200 + usize::from(range / FARTHEST));
        }
    }
}
