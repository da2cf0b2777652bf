//! What root may do is given up as soon as the device and the saved file are open, because what follows takes apart bytes that
//! strangers sent. Run through sudo, the program goes on as the user who called it; run by root itself, or by a binary with file
//! capabilities, it keeps its user and gives up the capabilities, so that root's own directories can still be written.
//!
//! Must be called before any thread is started: Linux keeps these rights per thread, and threads inherit them.

use crate::utils::format::printable;
use anyhow::{Context, Result};
use rustix::process::{Gid, Uid, geteuid};
use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, set_capabilities, set_thread_groups,
    set_thread_res_gid, set_thread_res_uid,
};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Gives up what is not needed any more. `writes` is the directory that files are still to be written to, if there is one: rights
/// that this needs are kept. Returns what was done, in a sentence; `None` if there was nothing to give up.
pub fn give_up(writes: Option<&Path>) -> Result<Option<String>> {
    if geteuid().is_root()
        && let Some((user, group)) = caller()
        && writes.is_none_or(|directory| is_owned_by(directory, user))
    {
        // The user last: after that the groups cannot be changed. Leaving user 0 clears the capabilities (capabilities(7)).
        set_thread_groups(&[group])
            .and_then(|()| set_thread_res_gid(group, group, group))
            .and_then(|()| set_thread_res_uid(user, user, user))
            .context("cannot give up the rights of root")?;
        let number = user.as_raw();
        return Ok(Some(format!(
            "gave up the rights of root, going on as user {number}"
        )));
    }
    // A system that does not tell of capabilities has none to give up.
    let Ok(held) = capabilities(None) else {
        return Ok(None);
    };
    let kept = match writes {
        Some(_) => held.effective & CapabilitySet::DAC_OVERRIDE,
        None => CapabilitySet::empty(),
    };
    if held.permitted == kept {
        return Ok(None);
    }
    let sets = CapabilitySets {
        effective: kept,
        permitted: kept,
        inheritable: CapabilitySet::empty(),
    };
    set_capabilities(None, sets).context("cannot give up capabilities")?;
    Ok(Some(match writes.filter(|_| !kept.is_empty()) {
        None => "gave up all capabilities".to_owned(),
        Some(directory) => {
            let name = directory.to_string_lossy();
            format!(
                "gave up all capabilities but the one to write to {}",
                printable(&name)
            )
        }
    }))
}

/// The user who called sudo, and the group; `None` without sudo, or if that was root.
fn caller() -> Option<(Uid, Gid)> {
    let number = |name| std::env::var(name).ok()?.parse::<u32>().ok();
    let (user, group) = (number("SUDO_UID")?, number("SUDO_GID")?);
    (user != 0).then(|| (Uid::from_raw(user), Gid::from_raw(group)))
}

/// Whether a directory, or the nearest one above it that exists, belongs to a user.
fn is_owned_by(directory: &Path, user: Uid) -> bool {
    directory
        .ancestors()
        .map(|path| {
            if path.as_os_str().is_empty() {
                Path::new(".")
            } else {
                path
            }
        })
        .find_map(|path| std::fs::metadata(path).ok())
        .is_some_and(|metadata| metadata.uid() == user.as_raw())
}
