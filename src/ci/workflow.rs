//! The contents of a workflow of GitHub Actions: its jobs, their runners, and the steps that run cargo.

mod calls;

use std::collections::BTreeMap;
use std::path::Path;

use self::calls::{Call, Called};
use super::job::{Job, Runner, directory_of};
use super::nix::NixShell;
use crate::cargo_use::{self, CargoUse};
use crate::yaml::text::{alias_of, dash_of_step};
use crate::yaml::{self, Node};
use sccfg_util::problem::{Place, Problem};

/// A workflow.
#[derive(Debug)]
pub(crate) struct Workflow {
    pub(crate) jobs: Vec<Job>,
    /// Existing problems.
    pub(crate) findings: Vec<Problem>,
    /// The problem that nothing sets `CARGO_INCREMENTAL`, for jobs without the step of sccfg.
    pub(crate) incremental: Option<Problem>,
    /// The declaration for workflows that call it, if there is one.
    pub(crate) called: Option<Called>,
    /// The workflows of this repository that its jobs call.
    pub(crate) calls: Vec<Call>,
}

impl Workflow {
    /// Reads `text`, the contents of the workflow at `path`, without regions of sccfg.
    ///
    /// # Errors
    /// If it is not YAML.
    pub(crate) fn read(path: &Path, text: &str) -> Result<Self, Problem> {
        let mut workflow = Self {
            jobs: Vec::new(),
            findings: Vec::new(),
            incremental: None,
            called: None,
            calls: Vec::new(),
        };
        let Some(root) = yaml::parse(path, text)? else {
            return Ok(workflow);
        };
        let reader = Reader { path, text };
        workflow.called = Called::read(path, text, &root);
        let mut sets_incremental = sets(&root, "CARGO_INCREMENTAL");
        let mut own = BTreeMap::new();
        for (name, job) in root.get("jobs").into_iter().flat_map(Node::entries) {
            sets_incremental |= sets(job, "CARGO_INCREMENTAL");
            workflow.calls.extend(Call::read(path, text, name, job));
            if let Some(steps) = job.get("steps") {
                let mut job = reader.job(name, job, &root, &mut workflow.findings);
                match steps.original {
                    Some(original) if job.cargo == CargoUse::Compiles => {
                        job.shares = own.get(&original).cloned();
                        job.obstacle = Some(reader.alias("its steps are", original));
                    }
                    Some(_) => {}
                    None => {
                        own.insert(steps.start, name.to_owned());
                    }
                }
                workflow.jobs.push(job);
            }
        }
        let compiles = workflow
            .jobs
            .iter()
            .any(|job| job.cargo == CargoUse::Compiles);
        let has_rust_cache = workflow.jobs.iter().any(|job| job.has_rust_cache);
        if compiles && !sets_incremental && !has_rust_cache {
            let place = Place {
                path: path.to_owned(),
                line: 1,
                column: 1,
            };
            workflow.incremental = Some(
                Problem::new("CARGO_INCREMENTAL is not set, so cargo writes incremental data that no later run uses")
                    .at(place)
                    .hint("the step of sccfg sets it; for the other jobs write CARGO_INCREMENTAL: 0 below env:"),
            );
        }
        Ok(workflow)
    }
}

/// Whether a workflow runs for releases and tags only, apart from runs by hand.
fn publishes(root: &Node) -> bool {
    let Some(events) = root.get("on") else {
        return false;
    };
    let names: Vec<&str> = match events.text() {
        Some(event) => vec![event],
        None if events.items().is_empty() => events.entries().map(|(name, _)| name).collect(),
        None => events.items().iter().filter_map(Node::text).collect(),
    };
    let is_for_tags = |name: &&str| match *name {
        "release" | "workflow_dispatch" => true,
        "push" => events
            .get("push")
            .is_some_and(|push| push.get("tags").is_some() && push.get("branches").is_none()),
        _ => false,
    };
    let has_tags = |name: &&str| *name != "workflow_dispatch";
    names.iter().all(is_for_tags) && names.iter().any(has_tags)
}

fn sets(node: &Node, variable: &str) -> bool {
    node.get("env").and_then(|env| env.get(variable)).is_some()
}

struct Reader<'a> {
    path: &'a Path,
    text: &'a str,
}

impl Reader<'_> {
    fn job(&self, name: &str, job: &Node, root: &Node, findings: &mut Vec<Problem>) -> Job {
        let steps = job.get("steps").map(Node::items).unwrap_or_default();
        let runs_on: Vec<&str> = job.get("runs-on").map(Node::texts).unwrap_or_default();
        let matrix = job.get("strategy").map(Node::texts).unwrap_or_default();
        let is_own = |labels: &[&str]| labels.iter().any(|label| label.contains("self-hosted"));
        let by_matrix = runs_on.iter().any(|label| label.contains("${{"));
        let runner = if is_own(&runs_on) || (by_matrix && is_own(&matrix)) {
            Runner::SelfHosted
        } else {
            Runner::Hosted
        };
        let mut found = Job::new(name, runner, runs_on.join(", "));
        found.is_release = publishes(root);
        let default = |key: &str| {
            let mut nodes = [job, root].into_iter();
            nodes.find_map(|node| node.get("defaults")?.get("run")?.get(key)?.text())
        };
        let mut checkout = None;
        for step in steps {
            let uses = step.get("uses").and_then(Node::text).unwrap_or_default();
            let action = uses.split('@').next().unwrap_or_default().to_lowercase();
            let with = |key: &str| step.get("with").and_then(|with| with.get(key));
            if action == "actions/checkout" && with("path").is_none() && found.step.is_some() {
                // The runner then does not find the end of the action, and fails the job.
                found.obstacle =
                    Some("another checkout replaces the action before the job ends".to_owned());
            }
            if action == "actions/checkout" && with("repository").is_none() {
                checkout = Some(with("path").is_some());
            }
            if action == "swatinem/rust-cache" {
                found.has_rust_cache = true;
                if with("save-if").is_none() {
                    findings.push(self.problem(
                        step,
                        "rust-cache has no `save-if`, so every pull request stores a snapshot and evicts others",
                        "write save-if: ${{ github.ref_name == github.event.repository.default_branch }}",
                    ));
                }
            }
            found.has_our_step |= uses == super::ACTION;
            if action == "mozilla-actions/sccache-action" {
                findings.push(self.problem(
                    step,
                    "sccache-action is used beside the step of sccfg, which installs sccache as well",
                    "remove this step, and RUSTC_WRAPPER and SCCACHE_GHA_ENABLED from env:",
                ));
            }
            let cargo = cargo_of(step, &action);
            if cargo > found.cargo {
                found.cargo = cargo;
                if cargo == CargoUse::Compiles {
                    found.step = Some(step.start);
                    found.obstacle = self.obstacle(step, checkout).map(str::to_owned);
                }
            }
            if cargo == CargoUse::Compiles {
                self.add_compile(&mut found, step, default);
            }
        }
        self.find_gha([job, root], &found, findings);
        found
    }

    /// Why no step can be put in front of `step`. `checkout` is whether one was before it, and then into another directory.
    fn obstacle(&self, step: &Node, checkout: Option<bool>) -> Option<&'static str> {
        match checkout {
            None => Some("the repository is not checked out before cargo runs"),
            Some(true) => Some("the repository is checked out into another directory"),
            Some(false) if dash_of_step(self.text, step.start).is_none() => {
                Some("its steps are not a list with a dash at the start of each line")
            }
            Some(false) => None,
        }
    }

    /// Adds what a step that compiles tells about its job; `default` are the settings for all steps.
    fn add_compile<'a>(
        &self,
        found: &mut Job,
        step: &'a Node,
        default: impl Fn(&str) -> Option<&'a str>,
    ) {
        let of_step = |key: &str| step.get(key).and_then(Node::text);
        let script = of_step("run").unwrap_or_default();
        let shell = of_step("shell").or_else(|| default("shell"));
        let by_shell = NixShell::of_script(shell.unwrap_or_default());
        let nix = by_shell.and(NixShell::of_script(script));
        found.nix = std::mem::take(&mut found.nix).and(nix);
        let directory = of_step("working-directory").or_else(|| default("working-directory"));
        let directory = directory.unwrap_or_default();
        found.directories.insert(directory_of(directory, script));
        for variable in ["RUSTC_WRAPPER", "CARGO_INCREMENTAL"] {
            let Some(value) = step.get("env").and_then(|env| env.get(variable)) else {
                continue;
            };
            if variable == "CARGO_INCREMENTAL" && matches!(value.text(), Some("0" | "false")) {
                continue;
            }
            found.overrides.push(self.problem(
                value,
                &format!(
                    "{variable} of this step takes the place of the one that the step of sccfg sets"
                ),
                "remove it here; above the steps, in env: of the job, it does no harm",
            ));
        }
    }

    /// Reports `SCCACHE_GHA_ENABLED` in one of these nodes.
    fn find_gha(&self, nodes: [&Node; 2], found: &Job, findings: &mut Vec<Problem>) {
        for node in nodes {
            if let Some(enabled) = node
                .get("env")
                .and_then(|env| env.get("SCCACHE_GHA_ENABLED"))
                && found.cargo == CargoUse::Compiles
                && enabled
                    .text()
                    .is_some_and(|text| matches!(text, "true" | "on" | "1"))
            {
                let problem = self.problem(
                    enabled,
                    "SCCACHE_GHA_ENABLED stores about a thousand small entries a run, which evict larger caches",
                    "remove it, or select another back end: sccfg ci github --explain",
                );
                if !findings.contains(&problem) {
                    findings.push(problem);
                }
            }
        }
    }

    /// That something is an alias of what starts at `original`.
    fn alias(&self, what: &str, original: usize) -> String {
        alias_of(self.path, self.text, what, original)
    }

    fn problem(&self, node: &Node, what: &str, hint: &str) -> Problem {
        Problem::new(what)
            .at(Place::at(self.path, self.text, node.start))
            .hint(hint)
    }
}

/// Actions that run cargo.
const ACTIONS: [&str; 9] = [
    "actions-rs/cargo",
    "actions-rs/clippy-check",
    "clechasseur/rs-cargo",
    "giraffate/clippy-action",
    "houseabsolute/actions-rust-cross",
    "obi1kenobi/cargo-semver-checks-action",
    "pyo3/maturin-action",
    "taiki-e/upload-rust-binary-action",
    "tauri-apps/tauri-action",
];

/// The use of cargo by a step.
fn cargo_of(step: &Node, action: &str) -> CargoUse {
    if ACTIONS.contains(&action) {
        return CargoUse::Compiles;
    }
    cargo_use::of_script(step.get("run").and_then(Node::text).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Workflow {
        Workflow::read(Path::new("ci.yml"), text).unwrap()
    }

    #[test]
    fn a_later_checkout_is_an_obstacle() {
        let text = "on: push\njobs:\n  a:\n    runs-on: x\n    steps:\n      - uses: actions/checkout@v4\n      \
                    - run: cargo test\n      - uses: actions/checkout@v4\n        with: { ref: pages }\n";
        assert!(read(text).jobs[0].obstacle.is_some());
        let beside = text.replace("ref: pages", "ref: pages, path: pages");
        assert_eq!(read(&beside).jobs[0].obstacle, None);
    }

    #[test]
    fn a_workflow_for_tags_and_releases_is_known() {
        for (on, publishes) in [
            ("on: release", true),
            ("on: { push: { tags: ['v*'] }, workflow_dispatch: }", true),
            ("on: { push: { tags: ['v*'], branches: [main] } }", false),
            ("on: [push, release]", false),
            ("on: workflow_dispatch", false),
            ("on: push", false),
        ] {
            let text = format!("{on}\njobs:\n  a:\n    runs-on: x\n    steps: [{{run: ls}}]\n");
            assert_eq!(read(&text).jobs[0].is_release, publishes, "{on}");
        }
    }

    #[test]
    fn a_job_knows_where_it_runs_and_what_is_there() {
        let workflow = read(
            "on: push\nenv:\n  SCCACHE_GHA_ENABLED: \"true\"\njobs:\n  test:\n    runs-on: [self-hosted, linux]\n    \
             steps:\n      - uses: actions/checkout@v4\n      - uses: Swatinem/rust-cache@v2\n      - run: cargo test\n  \
             lint:\n    runs-on: ubuntu-latest\n    steps:\n      - run: nix develop -c cargo clippy\n  \
             call:\n    uses: ./.github/workflows/other.yml\n",
        );
        let [test, lint] = workflow.jobs.as_slice() else {
            panic!("{workflow:?}");
        };
        assert_eq!(
            (test.runner, test.cargo),
            (Runner::SelfHosted, CargoUse::Compiles)
        );
        assert!(test.has_rust_cache && test.nix == NixShell::None && test.obstacle.is_none());
        assert_eq!(lint.runner, Runner::Hosted);
        assert!(matches!(lint.nix, NixShell::Develop(_)));
        assert!(lint.obstacle.is_some(), "it has no checkout");
        let found: Vec<String> = workflow.findings.iter().map(ToString::to_string).collect();
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(
            found[0].starts_with("ci.yml:9:9: rust-cache has no `save-if`"),
            "{found:?}"
        );
    }
}
