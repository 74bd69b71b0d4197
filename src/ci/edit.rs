//! Inserts the step of sccfg into workflows, and removes it.
//!
//! ```yaml
//! steps:
//!   - uses: actions/checkout@v4
//!   # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
//!   - uses: ./.github/actions/sccfg
//!     with:
//!       backend: rust-cache
//!   # <<< sccfg <<<
//!   - run: cargo test
//! ```

use std::ops::Range;
use std::path::Path;

use super::job::Job;
use super::workflow::Workflow;
use crate::yaml::{self, text::dash_of_step};
use nix_shell_edit::region::{BEGIN, END, NOTE};
use sccfg_util::problem::{Place, Problem};

/// The lines of a step, without indentation and line breaks.
pub(crate) type StepLines = Vec<String>;

/// Whether a line, without its blanks, is the first one of a region.
fn is_begin(line: &str) -> bool {
    line.trim().starts_with(BEGIN)
}

/// `text` without the steps of sccfg; `None` if it has none.
///
/// # Errors
/// If a region is damaged.
pub(crate) fn without_steps(path: &Path, text: &str) -> Result<Option<String>, Problem> {
    if !text.contains(BEGIN) && !text.contains(END) {
        return Ok(None);
    }
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for region in regions(path, text)? {
        out.push_str(&text[done..region.start]);
        done = region.end;
    }
    out.push_str(&text[done..]);
    Ok(Some(out))
}

/// The bytes of the regions in `text`, the contents of `path`.
///
/// # Errors
/// If a region has no end.
fn regions(path: &Path, text: &str) -> Result<Vec<Range<usize>>, Problem> {
    let (mut regions, mut start, mut offset) = (Vec::new(), None, 0);
    for line in text.split_inclusive('\n') {
        let end = offset + line.len();
        if start.is_none() && is_begin(line) {
            start = Some(offset);
        } else if line.trim() == END {
            let Some(start) = start.take() else {
                let hint = format!(
                    "restore the line that starts with `{BEGIN}`, or remove all lines of the region"
                );
                return Err(Problem::new("this sccfg end marker has no begin marker")
                    .at(Place::at(path, text, offset))
                    .hint(hint));
            };
            regions.push(start..end);
        }
        offset = end;
    }
    match start {
        Some(start) => Err(Problem::new("a region of sccfg has no end")
            .at(Place::at(path, text, start))
            .hint(format!(
                "add the line `{END}` below the step, or remove the step and this line"
            ))),
        None => Ok(regions),
    }
}

/// `text` with a step before the first one that runs cargo, in each job for which `step` returns lines.
///
/// # Errors
/// If a list of steps cannot be edited safely because of its syntax.
pub(crate) fn with_steps(
    path: &Path,
    text: &str,
    workflow: &Workflow,
    step: impl Fn(&Job) -> Option<StepLines>,
) -> Result<String, Problem> {
    let mut regions: Vec<(usize, StepLines)> = Vec::new();
    for job in &workflow.jobs {
        let (Some(at), Some(lines)) = (job.step, step(job)) else {
            continue;
        };
        let unusual = || {
            Problem::new(format!(
                "could not edit the steps of the job `{}`",
                job.name
            ))
            .at(Place::at(path, text, at))
            .hint("write each step below a line that starts with `- `")
        };
        let dash = dash_of_step(text, at).ok_or_else(unusual)?;
        regions.push((dash, lines));
    }
    let out = insert_regions(path, text, &regions)?;
    checked(path, text, &out, regions.len())?;
    Ok(out)
}

/// `text` with regions, each above the line whose first token starts at the given byte.
///
/// # Errors
/// If other text precedes that token in its line.
pub(super) fn insert_regions(
    path: &Path,
    text: &str,
    regions: &[(usize, StepLines)],
) -> Result<String, Problem> {
    let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let ends = yaml::ends_of_texts(path, text)?;
    let mut inserts: Vec<(usize, String)> = Vec::new();
    for (at, lines) in regions {
        let line = text[..*at].rfind('\n').map_or(0, |newline| newline + 1);
        let indentation = &text[line..*at];
        if !indentation.trim().is_empty() {
            return Err(Problem::new(
                "could not add a line here, because the line begins with other text",
            )
            .at(Place::at(path, text, *at))
            .hint("write each step, command and key on a line of its own"));
        }
        let mut block = String::new();
        let begin = format!("{BEGIN} {NOTE}");
        for text in [begin].iter().chain(lines).map(String::as_str).chain([END]) {
            block.push_str(&format!("{indentation}{text}{newline}"));
        }
        let end = ends.iter().copied().filter(|end| end <= at).max();
        inserts.push((above_comments(text, line, end.unwrap_or(0)), block));
    }
    inserts.sort_by_key(|(at, _)| *at);
    let mut out = text.to_owned();
    for (at, block) in inserts.iter().rev() {
        out.insert_str(*at, block);
    }
    Ok(out)
}

/// The start of the comments directly above the line at `line`, which belong to it. The text in front of them ends at
/// `end`: lines before it that look like comments are a part of it.
fn above_comments(text: &str, mut line: usize, end: usize) -> usize {
    while line > 0 {
        let start = text[..line - 1]
            .rfind('\n')
            .map_or(0, |newline| newline + 1);
        let above = &text[start..line];
        let indentation = above.len() - above.trim_start().len();
        if !above.trim_start().starts_with('#') || start + indentation < end {
            break;
        }
        line = start;
    }
    line
}

/// Refuses a result that is not `before` with regions of sccfg, or that cannot be undone.
pub(super) fn check_regions(
    path: &Path,
    before: &str,
    after: &str,
    hint: &str,
) -> Result<(), Problem> {
    let refused = |why: &str| {
        let what = format!("{} was not changed: {why}", path.display());
        Err(Problem::new(what).hint(hint))
    };
    if without_steps(path, after)?.as_deref().unwrap_or(after) != before {
        return refused("what is added could not be taken out again");
    }
    let regions = regions(path, after)?;
    let (before, after) = (
        yaml::documents(path, before)?,
        yaml::documents(path, after)?,
    );
    let is_same = before.len() == after.len()
        && before
            .iter()
            .zip(&after)
            .all(|(before, after)| before.is_without(after, &regions));
    if is_same {
        Ok(())
    } else {
        refused("the result would have other values than before")
    }
}

/// Refuses a result that is not the workflow with `count` more steps.
fn checked(path: &Path, before: &str, after: &str, count: usize) -> Result<(), Problem> {
    let hint = "add the step by hand: `sccfg ci github --explain` prints it";
    check_regions(path, before, after, hint)?;
    let has_step = |text: &str| {
        let jobs = Workflow::read(path, text)?.jobs;
        // Jobs with an alias of another job's steps share its step.
        let has_own = |job: &&Job| job.has_our_step && job.shares.is_none();
        Ok::<_, Problem>(jobs.iter().filter(has_own).count())
    };
    if has_step(after)? != count + has_step(before)? {
        return Err(Problem::new(format!(
            "{} was not changed: the result would not have the step in each job",
            path.display()
        ))
        .hint(hint));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "on: push # always\njobs:\n  test:\n    runs-on: ubuntu-latest\n    steps:\n    \
        - uses: actions/checkout@v4\n    # the tests\n    - name: ü\n      run: cargo test\n  \
        lint:\n    runs-on: ubuntu-latest\n    steps:\n      -   uses: actions/checkout@v4\n      \
        -   run: |\n            cargo clippy\n";

    fn edited(text: &str) -> String {
        let path = Path::new("ci.yml");
        let workflow = Workflow::read(path, text).unwrap();
        let lines = vec![
            format!("- uses: {}", super::super::ACTION),
            "  with:".to_owned(),
            "    backend: local".to_owned(),
        ];
        with_steps(path, text, &workflow, |_| Some(lines.clone())).unwrap()
    }

    #[test]
    fn a_marker_without_the_other_one_is_an_error() {
        let after = edited(TEXT);
        for (marker, what) in [(BEGIN, "has no begin marker"), (END, "has no end")] {
            let damaged = after.replace(marker, "#");
            let problem = without_steps(Path::new("ci.yml"), &damaged).unwrap_err();
            assert!(problem.what.contains(what), "{problem}");
            assert!(problem.place.is_some() && problem.hint.is_some());
        }
    }

    #[test]
    fn a_step_is_inserted_before_cargo_and_removed_byte_for_byte() {
        for text in [
            TEXT.to_owned(),
            TEXT.replace('\n', "\r\n"),
            TEXT.trim_end().to_owned(),
        ] {
            let after = edited(&text);
            assert_eq!(after.matches(BEGIN).count(), 2, "{after}");
            let lines: Vec<&str> = after.lines().collect();
            assert_eq!(
                lines[6],
                "    # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`"
            );
            assert_eq!(
                lines[11], "    # the tests",
                "comments stay with their step"
            );
            assert_eq!(
                without_steps(Path::new("ci.yml"), &after).unwrap().unwrap(),
                text
            );
        }
    }

    #[test]
    fn what_cannot_be_edited_is_refused() {
        let text = "jobs:\n  a:\n    runs-on: x\n    steps: [{ uses: actions/checkout@v4 }, { run: cargo test }]\n";
        let path = Path::new("ci.yml");
        let workflow = Workflow::read(path, text).unwrap();
        let problem = with_steps(path, text, &workflow, |_| Some(Vec::new())).unwrap_err();
        assert!(problem.to_string().starts_with("ci.yml:4:"), "{problem}");
        let damaged = edited(TEXT).replace(END, "# <<<");
        let problem = without_steps(path, &damaged).unwrap_err();
        assert!(
            problem.to_string().starts_with("ci.yml:7:1: a region"),
            "{problem}"
        );
    }
}
