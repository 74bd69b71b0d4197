//! A runner of GitHub Actions, as far as the action of sccfg needs one: contexts, conditions, environment files,
//! and actions with an end.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::yaml;
use crate::server::real_rustc;
use crate::support::{Ran, Sandbox, sccache};

const ACTION: &str = ".github/actions/sccfg";

/// A job on a fresh machine, in a checkout of the repository.
pub(crate) struct Runner<'a> {
    sandbox: &'a Sandbox,
    checkout: PathBuf,
    temp: PathBuf,
    inputs: BTreeMap<String, String>,
    is_fork: bool,
    /// The variables that earlier steps have set.
    variables: BTreeMap<String, String>,
    /// Those that GitHub sets for actions, but not for scripts.
    for_actions: Vec<(String, String)>,
    /// Whether sccache is on `PATH` outside of shells of Nix.
    has_sccache: bool,
    /// What the steps have printed.
    pub(crate) log: String,
}

impl<'a> Runner<'a> {
    /// A runner called `name`, for a job whose step has these inputs.
    pub(crate) fn new(sandbox: &'a Sandbox, name: &str, inputs: &[(&str, &str)]) -> Self {
        let temp = sandbox.path(name);
        fs::create_dir_all(&temp).unwrap();
        Self {
            sandbox,
            checkout: sandbox.path("repo"),
            temp,
            inputs: inputs
                .iter()
                .map(|(name, value)| (name.to_string(), value.to_string()))
                .collect(),
            is_fork: false,
            variables: BTreeMap::new(),
            for_actions: Vec::new(),
            has_sccache: true,
            log: String::new(),
        }
    }

    /// GitHub sets a variable for all steps.
    pub(crate) fn with_variable(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    /// sccache is not installed.
    pub(crate) fn without_sccache(mut self) -> Self {
        self.has_sccache = false;
        self
    }

    /// A program that is installed.
    pub(crate) fn with_program(self, name: &str, script: &str) -> Self {
        let path = self.temp.join("bin").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, script).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        self
    }

    /// GitHub sets variables that scripts do not see.
    pub(crate) fn for_actions_only(mut self, variables: &[(&str, &str)]) -> Self {
        let owned = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        self.for_actions = owned.collect();
        self
    }

    /// The job belongs to a pull request from a fork, which gets no secrets.
    pub(crate) fn of_a_fork(mut self) -> Self {
        self.is_fork = true;
        for (name, value) in &mut self.inputs {
            if name != "backend" && !name.starts_with("nix") {
                value.clear();
            }
        }
        self
    }

    pub(crate) fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    fn command(&self, program: &str) -> Command {
        let rustc = real_rustc();
        let mut directories = vec![
            sccache().parent().unwrap().to_owned(),
            rustc.parent().unwrap().to_owned(),
        ];
        directories.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap()));
        directories.retain(|directory| self.has_sccache || !directory.join("sccache").exists());
        directories.insert(0, self.temp.join("bin"));
        let mut command = self.sandbox.command(program);
        command
            .current_dir(&self.checkout)
            .env("HOME", &self.temp)
            .env("PATH", std::env::join_paths(directories).unwrap())
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("RUNNER_TEMP", &self.temp)
            .env("RUNNER_OS", "Linux")
            .env("GITHUB_ENV", self.temp.join("env"))
            .env("GITHUB_STATE", self.temp.join("state"))
            .env("GITHUB_STEP_SUMMARY", self.temp.join("summary"))
            .envs(&self.variables);
        command
    }

    /// Executes the steps of the action.
    #[track_caller]
    pub(crate) fn act(&mut self) {
        self.act_if(|_| true);
    }

    /// Executes only the step that selects the back end.
    #[track_caller]
    pub(crate) fn select(&mut self) {
        self.act_if(|step| step["name"] == "Select the back end");
    }

    #[track_caller]
    fn act_if(&mut self, is_wanted: impl Fn(&Value) -> bool) {
        let _ = fs::remove_file(self.temp.join("env"));
        let action = yaml(&self.checkout.join(ACTION).join("action.yml"));
        let declared = action["inputs"].as_object().unwrap();
        for name in self.inputs.keys() {
            assert!(
                declared.contains_key(name),
                "the action has no input {name}"
            );
        }
        for (name, input) in declared {
            let default = input["default"].as_str().unwrap_or_default();
            self.inputs
                .entry(name.clone())
                .or_insert_with(|| default.to_owned());
        }
        for step in action["runs"]["steps"].as_array().unwrap() {
            if !is_wanted(step) || !self.holds(step["if"].as_str().unwrap_or("true")) {
                continue;
            }
            match step["uses"].as_str() {
                None => self.script(step),
                Some("./.github/actions/sccfg/report") => self.report(Some(step)),
                Some(other) => self.log.push_str(&format!("uses {other}\n")),
            }
        }
    }

    #[track_caller]
    fn script(&mut self, step: &Value) {
        let script = self.temp.join("script");
        fs::write(&script, self.filled(step["run"].as_str().unwrap())).unwrap();
        // As the runner starts it for `shell: bash`.
        let mut command = self.command("bash");
        command
            .args(["--noprofile", "--norc", "-eo", "pipefail"])
            .arg(&script);
        for (name, value) in step["env"].as_object().into_iter().flatten() {
            command.env(name, self.filled(value.as_str().unwrap()));
        }
        self.run(command, step["name"].as_str().unwrap());
    }

    /// Starts the action that reports, or lets it end.
    #[track_caller]
    fn report(&mut self, step: Option<&Value>) {
        let mut command = self.command("node");
        command.arg(self.checkout.join(ACTION).join("report/index.js"));
        command.envs(self.for_actions.iter().map(|(name, value)| (name, value)));
        match step {
            Some(step) => command.env(
                "INPUT_GHA",
                self.filled(step["with"]["gha"].as_str().unwrap()),
            ),
            None => command.env("STATE_post", "true"),
        };
        self.run(command, "report");
    }

    #[track_caller]
    fn run(&mut self, mut command: Command, what: &str) {
        let ran = Ran::new(what.to_owned(), &command.output().unwrap());
        self.log.push_str(&ran.stdout);
        self.log.push_str(&ran.stderr);
        // A step that fails would end the job.
        ran.status(0);
        let text = fs::read_to_string(self.temp.join("env")).unwrap_or_default();
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            let (name, value) = match line.split_once("<<") {
                Some((name, end)) if !name.contains('=') => {
                    let value: Vec<&str> = lines.by_ref().take_while(|line| *line != end).collect();
                    (name, value.join("\n"))
                }
                _ => {
                    let (name, value) = line.split_once('=').unwrap();
                    (name, value.to_owned())
                }
            };
            self.variables.insert(name.to_owned(), value);
        }
    }

    /// Builds the repository in an empty target directory, as a step of the job.
    #[track_caller]
    pub(crate) fn build(&mut self) {
        let _ = fs::remove_dir_all(self.checkout.join("target"));
        let mut command = self.command("cargo");
        command.args(["build", "--quiet", "--offline"]);
        self.run(command, "cargo build");
        assert!(self.checkout.join("target/debug").exists());
    }

    /// As [`build`](Self::build), in the dev shell.
    #[track_caller]
    pub(crate) fn build_in_nix(&mut self) {
        let _ = fs::remove_dir_all(self.checkout.join("target"));
        let mut command = self.command("nix");
        command.args([
            "develop",
            "--command",
            "cargo",
            "build",
            "--quiet",
            "--offline",
        ]);
        self.run(command, "nix develop --command cargo build");
        assert!(self.checkout.join("target/debug").exists());
    }

    /// Ends the job; returns its summary.
    #[track_caller]
    pub(crate) fn end(mut self) -> String {
        self.report(None);
        let mut command = self.command(sccache().to_str().unwrap());
        // The runner ends what a job leaves.
        let _ = command.arg("--stop-server").output();
        fs::read_to_string(self.temp.join("summary")).unwrap_or_default()
    }

    /// Whether a condition of the action holds: comparisons that are joined by `&&`.
    fn holds(&self, condition: &str) -> bool {
        condition
            .split("&&")
            .all(|part| match part.split_once("!=") {
                Some((one, other)) => self.value(one) != self.value(other),
                None => match part.split_once("==") {
                    Some((one, other)) => self.value(one) == self.value(other),
                    None => part.trim() == "true",
                },
            })
    }

    fn value(&self, expression: &str) -> String {
        let expression = expression.trim();
        if let Some(input) = expression.strip_prefix("inputs.") {
            return self.inputs[input].clone();
        }
        expression.trim_matches('\'').to_owned()
    }

    /// `text` with its expressions evaluated.
    fn filled(&self, text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once("${{") {
            let (expression, after) = behind.split_once("}}").unwrap();
            out.push_str(before);
            out.push_str(&match expression.trim() {
                fork if fork.starts_with("github.event.pull_request") => self.is_fork.to_string(),
                comparison if comparison.contains("==") => self.holds(comparison).to_string(),
                other => self.value(other),
            });
            rest = after;
        }
        out + rest
    }
}

/// The file of the action's scripts, for shellcheck.
pub(crate) fn scripts(checkout: &Path) -> Vec<String> {
    let action = yaml(&checkout.join(ACTION).join("action.yml"));
    let steps = action["runs"]["steps"].as_array().unwrap();
    steps
        .iter()
        .filter_map(|step| Some(step["run"].as_str()?.to_owned()))
        .collect()
}
