//! GitLab's `.gitlab-ci.yml`: reads its jobs, and edits the lines of sccfg in them.
//!
//! ```yaml
//! test:
//!   # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
//!   cache: { key: "sccfg-$CI_JOB_NAME_SLUG", paths: [.sccfg/cache/] }
//!   # <<< sccfg <<<
//!   script:
//!     # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
//!     - SCCFG_CI_BACKEND=local SCCFG_CI_CACHE="$CI_PROJECT_DIR/.sccfg/cache"; . "$CI_PROJECT_DIR/.sccfg/ci.sh"; trap sccfg_end EXIT
//!     # <<< sccfg <<<
//!     - cargo test
//! ```
//!
//! A template for `extends:` would not do: a job's own `script` or `before_script` replaces that of the template.

use std::collections::BTreeMap;
use std::path::Path;

use super::edit::{check_regions, insert_regions};
use super::job::{Job, Runner, directory_of};
use super::nix::NixShell;
use super::{Backend, StepLines};
use crate::cargo_use::{self, CargoUse};
use crate::yaml::text::{alias_of, without_anchor};
use crate::yaml::{self, Node};
use sccfg_util::problem::{Place, Problem};

/// Its path in a repository.
pub(crate) const FILE: &str = ".gitlab-ci.yml";

/// Keys at the top that are no jobs.
const NO_JOBS: [&str; 12] = [
    "after_script",
    "before_script",
    "cache",
    "default",
    "image",
    "include",
    "services",
    "spec",
    "stages",
    "types",
    "variables",
    "workflow",
];

/// A pipeline.
#[derive(Debug)]
pub(crate) struct Pipeline {
    pub(crate) jobs: Vec<GitLabJob>,
}

/// A job with a script.
#[derive(Debug)]
pub(crate) struct GitLabJob {
    pub(crate) job: Job,
    /// The byte at which a key of the job starts, if GitLab keeps nothing between its runs.
    cache_at: Option<usize>,
    /// The reason why it gets no cache of GitLab, with the back end `local` on a hosted runner.
    pub(crate) cache_problem: Option<Problem>,
}

impl Pipeline {
    /// Reads `text`, the contents of `path`, without regions of sccfg.
    ///
    /// # Errors
    /// If it is not YAML.
    pub(crate) fn read(path: &Path, text: &str) -> Result<Self, Problem> {
        let mut pipeline = Self { jobs: Vec::new() };
        let mut documents = yaml::documents(path, text)?.into_iter();
        let Some(mut root) = documents.next() else {
            return Ok(pipeline);
        };
        // The inputs of a pipeline that others include are a document in front of it.
        if root.entries().all(|(name, _)| name == "spec")
            && let Some(next) = documents.next()
        {
            root = next;
        }
        let mut own = BTreeMap::new();
        let keeps = |node: Option<&Node>| node.is_some_and(|node| node.get("cache").is_some());
        let has_cache = keeps(Some(&root)) || keeps(root.get("default"));
        for (name, node) in root.entries().filter(|(name, _)| !NO_JOBS.contains(name)) {
            if node.get("script").is_none() {
                continue;
            }
            let mut job = job(path, text, name, node, &root);
            for (_, list) in lists(node).filter(|(_, list)| list.original.is_none()) {
                own.insert(list.start, name.to_owned());
            }
            if let Some(list) = compiling_list(node)
                && let Some(original) = list.original
            {
                job.shares = own.get(&original).cloned();
            }
            let is_hosted = job.runner == Runner::Hosted;
            let has_template = ["extends", "<<"].iter().any(|key| node.get(key).is_some());
            let inherits = has_cache || keeps(Some(node)) || has_template;
            let cache_problem = inherits.then(|| {
                Problem::new(format!(
                    "the job `{name}` has a cache, or may inherit one, so sccfg adds none"
                ))
                .at(Place::at(path, text, node.start))
                .hint(format!("add `{CACHE}/` to the paths of its cache"))
            });
            let cache_at = node.start_of_key("script").filter(|_| !inherits);
            pipeline.jobs.push(GitLabJob {
                job,
                cache_at,
                cache_problem: cache_problem.filter(|_| is_hosted),
            });
        }
        Ok(pipeline)
    }
}

/// The directory in which `local` keeps entries that GitLab stores.
const CACHE: &str = ".sccfg/cache";

/// The byte of the dash of the list's item whose text starts at `at`, if the dash is the first thing in its line.
///
/// ```yaml
/// - cargo build   # the text starts behind the dash
/// - |             # the text starts in the next line
///   cargo build
/// ```
fn dash_of(text: &str, at: usize) -> Option<usize> {
    let before = without_anchor(&text[..at]);
    let line = before.rfind('\n').map_or(0, |newline| newline + 1);
    let start = line + before[line..].find('-')?;
    let header = before[start + 1..].trim();
    let header = header
        .strip_prefix('&')
        .and_then(|anchor| anchor.split_once(char::is_whitespace))
        .map_or(header, |(_, header)| header.trim_start());
    let is_block = header.starts_with(['|', '>']);
    let is_first = before[line..start].trim().is_empty();
    (is_first && (header.is_empty() || is_block)).then_some(start)
}

/// The commands of a script, and where the item of each starts; a script that is no list has no items.
fn commands(list: &Node) -> Vec<(&str, Option<usize>)> {
    match list.text() {
        Some(script) => vec![(script, None)],
        // A list in the list is an alias, or `!reference`, which GitLab puts in its place.
        None => list
            .items()
            .iter()
            .flat_map(|item| {
                let texts = item.texts().into_iter();
                texts.map(|text| (text, Some(item.start)))
            })
            .collect(),
    }
}

/// The commands that GitLab runs in one shell, in order.
fn scripts(node: &Node) -> impl Iterator<Item = (&str, Option<usize>)> {
    lists(node).flat_map(|(_, list)| commands(list))
}

/// The lists of commands that GitLab runs in one shell, with their keys, in order.
fn lists(node: &Node) -> impl Iterator<Item = (&'static str, &Node)> {
    let keys = ["before_script", "script"].into_iter();
    keys.filter_map(|key| Some((key, node.get(key)?)))
}

/// The list with the first command that compiles.
fn compiling_list(node: &Node) -> Option<&Node> {
    let compiles = |list: &&Node| {
        let mut commands = commands(list).into_iter();
        commands.any(|(script, _)| cargo_use::of_script(script) == CargoUse::Compiles)
    };
    lists(node).map(|(_, list)| list).find(compiles)
}

fn job(path: &Path, text: &str, name: &str, node: &Node, root: &Node) -> Job {
    let default = root.get("default");
    let tags = node
        .get("tags")
        .or_else(|| default.and_then(|default| default.get("tags")))
        .map(Node::texts)
        .unwrap_or_default();
    let is_own = !tags.is_empty() && !tags.iter().any(|tag| tag.starts_with("saas-"));
    let only: Vec<&str> = node.get("only").map(Node::texts).unwrap_or_default();
    let runner = if is_own {
        Runner::SelfHosted
    } else {
        Runner::Hosted
    };
    let runs_on = if tags.is_empty() {
        "a shared runner".to_owned()
    } else {
        tags.join(", ")
    };
    let mut found = Job::new(name, runner, runs_on);
    found.is_release =
        (!only.is_empty() && only.iter().all(|only| *only == "tags")) || has_rules_for_tags(node);
    for (key, list) in lists(node) {
        for (script, start) in commands(list) {
            found.has_our_step |= script.contains(super::SCRIPT);
            let cargo = cargo_use::of_script(script);
            if cargo == CargoUse::Compiles {
                found.nix = std::mem::take(&mut found.nix).and(NixShell::of_script(script));
            }
            if cargo <= found.cargo {
                continue;
            }
            found.cargo = cargo;
            if cargo == CargoUse::Compiles {
                found.step = start.and_then(|start| dash_of(text, start));
                found.obstacle = match (list.original, found.step) {
                    (Some(original), _) => {
                        Some(alias_of(path, text, &format!("its {key} is"), original))
                    }
                    (None, None) => {
                        Some("its script is not a list with a command on each line".to_owned())
                    }
                    (None, Some(_)) => None,
                };
            }
        }
    }
    let scripts: Vec<&str> = scripts(node).map(|(script, _)| script).collect();
    found
        .directories
        .insert(directory_of("", &scripts.join("\n")));
    let strategy = |node: &Node| {
        let strategy = node.get("variables")?.get("GIT_STRATEGY")?.text();
        Some(matches!(strategy, Some("none" | "empty")))
    };
    let inherited = default.and_then(|default| default.get("before_script"));
    let inherited = inherited.or_else(|| root.get("before_script"));
    let inherited = inherited.filter(|_| node.get("before_script").is_none());
    let before = inherited.into_iter().flat_map(commands);
    let mut all = before.map(|(script, _)| script).chain(scripts);
    if strategy(node).or_else(|| strategy(root)).unwrap_or(false) {
        found.obstacle = Some("the repository is not checked out".to_owned());
    } else if !found.has_our_step && all.any(traps_the_end) {
        found.obstacle = Some(
            "its script has a trap for EXIT, and a shell has one only, which the line of sccfg needs"
                .to_owned(),
        );
    }
    if tags
        .iter()
        .any(|tag| tag.to_lowercase().contains("windows"))
    {
        found.obstacle = Some(format!(
            "it runs on Windows ({}), and the line of sccfg is for POSIX shells",
            found.runs_on
        ));
    }
    found
}

/// Whether a job runs for tags only, by its rules.
fn has_rules_for_tags(node: &Node) -> bool {
    let rules = node.get("rules").map(Node::items).unwrap_or_default();
    let never = |rule: &&Node| rule.get("when").and_then(Node::text) == Some("never");
    let mut rules = rules.iter().filter(|rule| !never(rule)).peekable();
    let is_for_tags = |rule: &Node| {
        let condition = rule.get("if").and_then(Node::text).unwrap_or_default();
        let rest = condition.trim().strip_prefix("$CI_COMMIT_TAG");
        rest.is_some_and(|rest| {
            let is_other = rest.starts_with(|c: char| c.is_alphanumeric() || c == '_');
            let is_unset = rest.trim_start().starts_with("==") && rest.contains("null");
            !is_other && !is_unset && !rest.contains("||")
        })
    };
    rules.peek().is_some() && rules.all(is_for_tags)
}

/// Whether a script sets a trap that runs when its shell ends.
fn traps_the_end(script: &str) -> bool {
    let is_break = |c: char| c.is_whitespace() || ";&|(){}".contains(c);
    let mut lines = script
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'));
    let mut is_trap = false;
    lines.any(|line| {
        let mut words = line.split(is_break);
        let starts_here = words.any(|word| word == "trap");
        is_trap |= starts_here;
        let mut rest = line.split(is_break);
        is_trap && rest.any(|word| word == "EXIT" || (starts_here && word == "0"))
    })
}

/// The line for a job with this back end.
fn line(job: &Job, backend: Backend, is_kept: bool) -> String {
    let mut line = format!("- SCCFG_CI_BACKEND={}", backend.name());
    match &job.nix {
        NixShell::Develop(arguments) => {
            line.push_str(" SCCFG_CI_NIX=true");
            if !arguments.is_empty() {
                line.push_str(&format!(" SCCFG_CI_NIX_ARGUMENTS='{arguments}'"));
            }
        }
        NixShell::Devenv => line.push_str(" SCCFG_CI_NIX=true SCCFG_CI_DEVENV=true"),
        NixShell::None | NixShell::Other(_) => {}
    }
    if is_kept {
        line.push_str(&format!(" SCCFG_CI_CACHE=\"$CI_PROJECT_DIR/{CACHE}\""));
    }
    // A command before it may have changed the directory.
    line.push_str(&format!(
        "; . \"$CI_PROJECT_DIR/{}\"; trap sccfg_end EXIT",
        super::SCRIPT
    ));
    line
}

/// `text` with a line in front of the first one that runs cargo, in each job for which `backend` returns one.
///
/// # Errors
/// If a script is written in a way that cannot be edited safely.
pub(crate) fn with_lines(
    path: &Path,
    text: &str,
    pipeline: &Pipeline,
    backend: impl Fn(&Job) -> Option<Backend>,
) -> Result<String, Problem> {
    let mut regions: Vec<(usize, StepLines)> = Vec::new();
    let mut count = 0;
    for GitLabJob { job, cache_at, .. } in &pipeline.jobs {
        let (Some(at), Some(backend)) = (job.step, backend(job)) else {
            continue;
        };
        let is_hosted = backend == Backend::Local && job.runner == Runner::Hosted;
        if let (true, Some(cache_at)) = (is_hosted, *cache_at) {
            regions.push((
                cache_at,
                vec![format!(
                    "cache: {{ key: \"sccfg-$CI_JOB_NAME_SLUG\", paths: [{CACHE}/] }}"
                )],
            ));
        }
        regions.push((at, vec![line(job, backend, is_hosted)]));
        count += 1;
    }
    let after = insert_regions(path, text, &regions)?;
    let hint = format!("source {} in the job by hand", super::SCRIPT);
    check_regions(path, text, &after, &hint)?;
    let has_line = |pipeline: &Pipeline| {
        let jobs = pipeline.jobs.iter();
        // Those that share the script of another job get what that gets.
        jobs.filter(|GitLabJob { job, .. }| job.has_our_step && job.shares.is_none())
            .count()
    };
    if has_line(&Pipeline::read(path, &after)?) != count + has_line(pipeline) {
        return Err(Problem::new(format!(
            "{} was not changed: the result would not have the line in each job",
            path.display()
        ))
        .hint(hint));
    }
    Ok(after)
}

#[cfg(test)]
mod tests {
    use super::super::edit::without_steps;
    use super::*;

    const TEXT: &str = "# ours\nstages: [test]\n.base: &base\n  image: rust:1.90 # pinned\ntest: # all\n  <<: *base\n  \
        script:\n    - rustc --version\n    # the tests\n    - cargo test --workspace\n    - !reference [.x, script]\nown:\n  \
        tags: [linux, big]\n  before_script: [apt-get update]\n  script:\n  - |\n    cd a\n    cargo build\n\
        shell:\n  script: cargo build\nformat:\n  script:\n    - cargo fmt --check\nrelease:\n  only: [tags]\n  script:\n    - cargo build\n";

    fn read(text: &str) -> Pipeline {
        Pipeline::read(Path::new(FILE), text).unwrap()
    }

    #[test]
    fn a_job_knows_where_it_runs_and_what_it_does() {
        let pipeline = read(TEXT);
        let found: Vec<_> = pipeline
            .jobs
            .iter()
            .map(|job| (job.job.name.as_str(), job.job.runner, job.job.cargo))
            .collect();
        assert_eq!(
            found,
            [
                ("test", Runner::Hosted, CargoUse::Compiles),
                ("own", Runner::SelfHosted, CargoUse::Compiles),
                ("shell", Runner::Hosted, CargoUse::Compiles),
                ("format", Runner::Hosted, CargoUse::CompilesNothing),
                ("release", Runner::Hosted, CargoUse::Compiles),
            ]
        );
        assert!(pipeline.jobs[2].job.obstacle.is_some());
        assert!(pipeline.jobs[4].job.is_release);
    }

    #[test]
    fn lines_are_inserted_before_cargo_and_removed_byte_for_byte() {
        for text in [TEXT.to_owned(), TEXT.replace('\n', "\r\n")] {
            let path = Path::new(FILE);
            let backend = |job: &Job| {
                let compiles = job.cargo == CargoUse::Compiles && job.obstacle.is_none();
                compiles.then_some(Backend::Local)
            };
            let after = with_lines(path, &text, &read(&text), backend).unwrap();
            assert_eq!(after.matches(super::super::SCRIPT).count(), 3, "{after}");
            // `test` may inherit one, and `own` has a disk.
            assert_eq!(after.matches("cache: {").count(), 1, "{after}");
            let lines: Vec<&str> = after.lines().collect();
            let line = lines
                .iter()
                .position(|line| line.contains("ci.sh"))
                .unwrap();
            assert_eq!(lines[line + 2], "    # the tests");
            assert_eq!(without_steps(path, &after).unwrap().unwrap(), text);
        }
    }

    #[test]
    fn a_job_with_a_cache_gets_no_second_one() {
        let text = "cache:\n  paths: [target/]\ntest:\n  script:\n    - cargo test\n";
        let pipeline = read(text);
        let problem = pipeline.jobs[0].cache_problem.as_ref().unwrap();
        assert!(problem.what.contains("the job `test` has a cache,"));
        let path = Path::new(FILE);
        let after = with_lines(path, text, &pipeline, |_| Some(Backend::Local)).unwrap();
        assert_eq!(after.matches("cache:").count(), 1, "{after}");
    }
}
