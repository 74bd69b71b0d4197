//! What the commands that remove entries of the local store have in common: questions, results and errors.

use std::cell::Cell;

use serde_json::{Value, json};

use super::json_does_not_ask;
use crate::report::Report;
use crate::user_store::{ELSEWHERE, UserStore};
use local_store::Store;
use sccfg_util::problem::Problem;
use sccfg_util::proc::running::is_suspended;
use sccfg_util::size::ByteSize;

/// `1GiB in the local store /home/me/.cache/sccfg/wrapper/store`.
pub(super) fn describe(store: &UserStore) -> String {
    let size = ByteSize::from_bytes(store.store.size().unwrap_or(0));
    format!(
        "{} in the local store {}",
        size.rounded(),
        store.settings.dir.display()
    )
}

/// Whether the local store may be removed: it has no entries, `yes` was passed, or the user agrees.
pub(super) fn may_remove(
    store: &UserStore,
    yes: bool,
    as_json: bool,
    report: Report,
) -> Result<bool, Problem> {
    let is_empty = store.store.size().is_none_or(|size| size == 0);
    if !yes && !is_empty && as_json {
        let what = format!("remove {}", describe(store));
        return Err(json_does_not_ask(&what, ""));
    }
    let may = yes || is_empty || is_confirmed(&describe(store), report)?;
    if !may {
        report.line("nothing was removed");
    }
    Ok(may)
}

pub(super) fn is_confirmed(what: &str, report: Report) -> Result<bool, Problem> {
    report.ask(&format!("remove {what}?")).ok_or_else(|| {
        Problem::new(format!(
            "could not ask whether to remove {what}: not a terminal"
        ))
        .hint("pass --yes")
    })
}

/// What was removed, as JSON.
pub(super) fn cleared(store: &Store, freed: ByteSize) -> Value {
    json!({ "directory": store.root().to_string_lossy(), "freed": freed })
}

pub(super) fn failed(verb: &str, store: &Store, error: &std::io::Error) -> Problem {
    let root = store.root().display();
    if let Some(obstacle) = store.obstacle() {
        let what = format!("could not {verb} the store in {root}: {obstacle}");
        return Problem::new(what).hint(obstacle.hint(ELSEWHERE));
    }
    Problem::new(format!("could not {verb} the store in {root}: {error}"))
        .hint("check `store.dir` in `sccfg config show`, the owner of the directory, and the free space of its disk")
}

/// Prints once, on standard error, the processes whose lock of the store a command waits for.
pub(super) fn waiting(report: Report) -> impl Fn(&[u32]) -> bool {
    let is_said = Cell::new(false);
    move |pids| {
        if !is_said.replace(true) {
            report.note(&wait_for(pids));
        }
        true
    }
}

fn wait_for(pids: &[u32]) -> Problem {
    let suspended = pids.iter().find(|pid| is_suspended(**pid));
    let (what, hint) = match (suspended, pids.first()) {
        (Some(pid), _) => (
            format!("waiting for process {pid}, which uses the local store and is suspended"),
            format!(
                "`fg` in its terminal or `kill -CONT {pid}` continues it, `kill -KILL {pid}` ends it"
            ),
        ),
        (None, Some(pid)) => (
            format!("waiting for process {pid}, which uses the local store"),
            "this goes on when that has ended".to_owned(),
        ),
        (None, None) => (
            "waiting for another process, which uses the local store".to_owned(),
            "this goes on when that has ended".to_owned(),
        ),
    };
    Problem::new(what).hint(hint)
}
