//! Which instructions get which mounts, and why others get none.

use super::dockerfile::{Dockerfile, Run, Stage, Step};
use crate::cargo_use::CargoUse;
use sccfg_util::problem::Problem;

/// The name of the stage that installs sccache; others have a number behind it.
pub(super) const STAGE: &str = "sccfg";

/// The decision for an instruction that runs cargo.
#[derive(Debug, Clone)]
pub(crate) struct Decision {
    /// The line of the instruction.
    pub(crate) line: usize,
    /// The name of its stage, or its number.
    pub(crate) stage: String,
    /// Whether it compiles by sccache.
    pub(crate) is_cached: bool,
    /// The change and its reason.
    pub(crate) why: String,
}

/// The insertions, as byte offsets in the text without regions.
#[derive(Debug, Default)]
pub(crate) struct Edits {
    /// The platforms of the stages that install sccache, and the byte in front of which they are put.
    pub(super) installers: Vec<Option<String>>,
    pub(super) installers_at: usize,
    /// In front of which instructions sccache is copied and set, and the installer that it comes from.
    pub(super) settings: Vec<(usize, usize)>,
    /// Behind which keyword which mounts are put.
    pub(super) mounts: Vec<(usize, Mounts)>,
}

impl Edits {
    pub(crate) fn count(&self) -> usize {
        self.mounts.len()
    }
}

/// The mounts of an instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mounts {
    /// Whether it compiles, and so gets the directory of sccache.
    pub(super) sccache: bool,
    /// The directories of cargo, by name.
    pub(super) cargo: Vec<(&'static str, String)>,
    pub(super) user: User,
}

/// The user who runs an instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum User {
    Root,
    /// Another one, by name or number.
    Other(String),
    /// One that an argument decides on.
    Unknown,
}

/// The state at the start of an instruction.
#[derive(Debug, Clone)]
struct State {
    /// The directory of cargo.
    home: Option<String>,
    user: User,
    /// The platform of the stage with the image.
    platform: Option<String>,
    has_settings: bool,
}

/// The insertions into `dockerfile`, and the decision for each instruction that runs cargo.
///
/// # Errors
/// If the Dockerfile cannot be edited safely.
pub(crate) fn decide(dockerfile: &Dockerfile<'_>) -> Result<(Edits, Vec<Decision>), Problem> {
    let mut edits = Edits::default();
    let mut decisions = Vec::new();
    if dockerfile.runs().all(|run| !run.needs_packages()) {
        note_on_build(dockerfile, &mut decisions);
        return Ok((edits, decisions));
    }
    if let Some((at, what)) = own_wrapper(dockerfile) {
        let line = dockerfile.place(at).line;
        let why = format!("not changed: {what} in line {line}, so it has its own cache settings");
        each_run(dockerfile, &mut decisions, &why);
        return Ok((edits, decisions));
    }
    refuse(dockerfile)?;
    let no_cargo = why_no_cargo_mounts(dockerfile);
    let mut states: Vec<State> = Vec::new();
    for (number, stage) in dockerfile.stages.iter().enumerate() {
        let mut state = stage_state(dockerfile, stage, &states);
        for step in &stage.steps {
            match step {
                Step::Set(name, value, _) if name == "CARGO_HOME" => {
                    let is_known = value.starts_with('/') && !value.contains('$');
                    state.home = is_known.then(|| value.clone());
                }
                Step::User(user) => state.user = User::read(user),
                Step::Run(run) if run.needs_packages() => {
                    let (mounts, why) = mounts_of(run, &state, no_cargo);
                    decisions.push(Decision {
                        line: dockerfile.place(run.at).line,
                        stage: stage_name(stage, number),
                        is_cached: mounts.as_ref().is_some_and(|mounts| mounts.sccache),
                        why,
                    });
                    let Some(mounts) = mounts else { continue };
                    if mounts.sccache && !state.has_settings {
                        let installer = edits.installer(state.platform.as_ref());
                        edits.settings.push((run.at, installer));
                        state.has_settings = true;
                    }
                    edits.mounts.push((run.keyword_end, mounts));
                }
                _ => {}
            }
        }
        states.push(state);
    }
    note_on_build(dockerfile, &mut decisions);
    edits.installers_at = dockerfile.stages.first().map_or(0, |stage| stage.at);
    Ok((edits, decisions))
}

impl Edits {
    /// The installer for a platform.
    fn installer(&mut self, platform: Option<&String>) -> usize {
        let known = self
            .installers
            .iter()
            .position(|known| known.as_ref() == platform);
        known.unwrap_or_else(|| {
            self.installers.push(platform.cloned());
            self.installers.len() - 1
        })
    }
}

impl User {
    fn read(text: &str) -> Self {
        let name = text.split(':').next().unwrap_or_default().trim();
        match name {
            "root" | "0" | "" => Self::Root,
            name if name.contains('$') => Self::Unknown,
            name => Self::Other(name.to_owned()),
        }
    }
}

fn stage_name(stage: &Stage, number: usize) -> String {
    stage
        .name
        .clone()
        .unwrap_or_else(|| format!("stage {number}"))
}

/// The state at the start of `stage`: that at the end of its base stage, or that of the image.
fn stage_state(dockerfile: &Dockerfile<'_>, stage: &Stage, states: &[State]) -> State {
    let is_below = |other: &Stage| {
        other
            .name
            .as_ref()
            .is_some_and(|name| name.eq_ignore_ascii_case(&stage.base))
    };
    let earlier = dockerfile.stages.iter().take(states.len());
    if let Some((_, state)) = earlier.zip(states).rfind(|(other, _)| is_below(other)) {
        return state.clone();
    }
    let image = stage.base.split('@').next().unwrap_or_default();
    let image = image.rsplit('/').next().unwrap_or_default();
    let image = image.split(':').next().unwrap_or_default();
    State {
        // Both set CARGO_HOME. Elsewhere it is in the home directory.
        home: Some(match image {
            "rust" | "cargo-chef" => "/usr/local/cargo".to_owned(),
            _ => "/root/.cargo".to_owned(),
        }),
        user: User::Root,
        platform: stage.platform.clone(),
        has_settings: false,
    }
}

/// The mounts for an instruction, and a sentence about them.
fn mounts_of(run: &Run, state: &State, no_cargo: Option<&'static str>) -> (Option<Mounts>, String) {
    if state.user == User::Unknown {
        let why = "not changed: its user is a build argument, so it is not known which cache it may write";
        return (None, why.to_owned());
    }
    let is_in_home = state.home.as_deref() == Some("/root/.cargo");
    let no_cargo = no_cargo
        .or_else(|| {
            run.script
                .contains("CARGO_HOME=")
                .then_some("it sets CARGO_HOME")
        })
        .or_else(|| {
            state
                .home
                .is_none()
                .then_some("the value of CARGO_HOME is not known")
        })
        .or_else(|| {
            (is_in_home && state.user != User::Root).then_some("the home directory is not known")
        });
    let home = state.home.as_deref().unwrap_or_default();
    let mut cargo = Vec::new();
    if no_cargo.is_none() {
        for name in ["registry", "git"] {
            let is_mounted = |target: &str| target.split('/').any(|part| part == name);
            if !run.cache_targets().any(is_mounted) {
                cargo.push((name, format!("{home}/{name}")));
            }
        }
    }
    let mounts = Mounts {
        sccache: run.cargo == CargoUse::Compiles,
        user: state.user.clone(),
        cargo,
    };
    let mut parts = Vec::new();
    if mounts.sccache {
        parts.push("sccache".to_owned());
    }
    parts.extend(mounts.cargo.iter().map(|(_, target)| target.clone()));
    let mut why = match parts.as_slice() {
        [] => "not changed: it has its own cache mounts".to_owned(),
        parts => format!("cached: {}", parts.join(", ")),
    };
    if let Some(no_cargo) = no_cargo {
        why.push_str(&format!("; not cargo's downloads, because {no_cargo}"));
    }
    let has_some = mounts.sccache || !mounts.cargo.is_empty();
    (has_some.then_some(mounts), why)
}

/// Where and how a Dockerfile sets a wrapper of its own.
fn own_wrapper(dockerfile: &Dockerfile<'_>) -> Option<(usize, &'static str)> {
    let steps = dockerfile.stages.iter().flat_map(|stage| &stage.steps);
    let mut steps = steps.filter_map(|step| match step {
        Step::Set(name, _, at)
            if name == "RUSTC_WRAPPER" || name == "CARGO_BUILD_RUSTC_WRAPPER" =>
        {
            Some((*at, "RUSTC_WRAPPER is set"))
        }
        Step::Run(run) if run.script.contains("RUSTC_WRAPPER=") => {
            Some((run.at, "RUSTC_WRAPPER is set"))
        }
        _ => None,
    });
    steps.next()
}

/// Why no instruction may get the directories of cargo's downloads.
fn why_no_cargo_mounts(dockerfile: &Dockerfile<'_>) -> Option<&'static str> {
    let steps = || dockerfile.stages.iter().flat_map(|stage| &stage.steps);
    let is_offline = |step: &Step| match step {
        Step::Run(run) => ["--offline", "--frozen", "CARGO_NET_OFFLINE="]
            .iter()
            .any(|word| run.script.contains(word)),
        Step::Set(name, ..) => name == "CARGO_NET_OFFLINE",
        _ => false,
    };
    if steps().any(is_offline) {
        return Some("another instruction is offline, and needs them in the image");
    }
    let names_them = |text: &str| {
        [
            "registry",
            "git/db",
            "git/checkouts",
            "cargo/git",
            "CARGO_HOME}/git",
        ]
        .iter()
        .any(|part| text.contains(part))
            && text.to_lowercase().contains("cargo")
    };
    let removes_them = |line: &str| {
        line.contains("rm -r")
            && [".cargo", "CARGO_HOME", "local/cargo"]
                .iter()
                .any(|word| line.contains(word))
    };
    let uses_them = |step: &Step| match step {
        Step::Run(run) => run
            .script
            .lines()
            .any(|line| names_them(line) || removes_them(line)),
        Step::Copy(sources) => names_them(sources),
        Step::Set(_, value, _) => names_them(value),
        _ => false,
    };
    steps()
        .any(uses_them)
        .then_some("another instruction names their directory")
}

/// Refuses edits that would not work, or would change the behaviour of the Dockerfile.
fn refuse(dockerfile: &Dockerfile<'_>) -> Result<(), Problem> {
    if let Some(at) = dockerfile.by_number.first() {
        return Err(dockerfile.problem(
            *at,
            "a stage is referred to by its number, which another stage in front of it would change",
            "give the stage a name: FROM … AS builder, and --from=builder",
        ));
    }
    let is_ours = |stage: &&Stage| {
        stage
            .name
            .as_deref()
            .is_some_and(|name| name.starts_with(STAGE))
    };
    if let Some(stage) = dockerfile.stages.iter().find(is_ours) {
        return Err(dockerfile.problem(
            stage.at,
            format!("a stage has the name `{STAGE}`, which sccfg uses"),
            "give it another name",
        ));
    }
    let is_windows = |stage: &&Stage| {
        ["windows/", "nanoserver", "servercore"]
            .iter()
            .any(|part| stage.base.contains(part))
    };
    if let Some(stage) = dockerfile.stages.iter().find(is_windows) {
        return Err(dockerfile.problem(
            stage.at,
            "images of Windows have no cache mounts",
            "do not name this file, neither as an argument nor in docker.files of sccfg.toml",
        ));
    }
    if let Some((syntax, at)) = &dockerfile.syntax {
        let version = syntax.rsplit(':').next().unwrap_or_default();
        let is_old = ["1.0", "1.1"].iter().any(|old| {
            version == *old
                || version
                    .strip_prefix(old)
                    .is_some_and(|rest| rest.starts_with('.'))
        });
        if is_old {
            return Err(dockerfile.problem(
                *at,
                format!("`{syntax}` has no cache mounts"),
                "write # syntax=docker/dockerfile:1",
            ));
        }
    }
    Ok(())
}

fn each_run(dockerfile: &Dockerfile<'_>, decisions: &mut Vec<Decision>, why: &str) {
    for (number, stage) in dockerfile.stages.iter().enumerate() {
        for step in &stage.steps {
            if let Step::Run(run) = step
                && run.needs_packages()
            {
                decisions.push(Decision {
                    line: dockerfile.place(run.at).line,
                    stage: stage_name(stage, number),
                    is_cached: false,
                    why: why.to_owned(),
                });
            }
        }
    }
}

fn note_on_build(dockerfile: &Dockerfile<'_>, decisions: &mut Vec<Decision>) {
    for (number, stage) in dockerfile.stages.iter().enumerate() {
        for step in &stage.steps {
            if let Step::OnBuild(at) = step {
                decisions.push(Decision {
                    line: dockerfile.place(*at).line,
                    stage: stage_name(stage, number),
                    is_cached: false,
                    why: "not changed: ONBUILD runs in builds of other Dockerfiles".to_owned(),
                });
            }
        }
    }
}
