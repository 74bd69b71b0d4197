//! Dockerfiles, rendered from `[docker]` of `sccfg.toml`.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::generated::{self, Generator};
use super::{FileKind, Plan, managed_files, policy_check};
use crate::docker::{self, Decision, Dockerfile, Settings, Stripped};
use crate::git;
use crate::repository::Repository;
use crate::sccfg_toml::{FILE_NAME, Policy};
use sccache_control::config::toml;
use sccfg_util::fsio;
use sccfg_util::problem::{Place, Problem};

/// The name that `docker build .` looks for.
const DOCKERFILE: &str = "Dockerfile";
/// A new `sccfg.toml`, without its last lines.
const NEW_POLICY: &str = "\
# What this repository requests from sccache. Run `sccfg apply` after a change.

[docker]
";

/// The decision for each instruction.
#[derive(Debug, Default)]
pub(crate) struct DockerReport {
    pub(crate) decisions: Vec<(PathBuf, Decision)>,
    /// Files that were found and cannot be edited, and what is wrong next to them.
    pub(crate) findings: Vec<Problem>,
    /// The secrets that builds take.
    pub(crate) secrets: Vec<&'static str>,
    /// The Dockerfiles that have sccache.
    pub(crate) files: Vec<String>,
}

/// Which Dockerfiles `sccfg docker` manages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Files<'a> {
    /// Those of the policy, otherwise all that compile; a new one if there are none.
    Found,
    /// These.
    Named(&'a [String]),
}

/// Plans to render the managed Dockerfiles, and to undo the edits of others.
///
/// # Errors
/// If a Dockerfile is missing, or cannot be edited safely.
pub(super) fn docker(plan: &mut Plan, repository: &Repository, policy: &Policy) -> Result<()> {
    let mut report = DockerReport::default();
    let managed = &policy.docker.files;
    if !managed.is_empty() {
        policy_check::check_remote(repository, policy)?;
    }
    for name in managed {
        let Some(text) = repository.read_file(name)? else {
            return Err(missing(name).into());
        };
        render(plan, repository, policy, name, Some(text), &mut report)?;
    }
    undo(plan, repository, managed, managed, GeneratedFiles::Keep)?;
    compose(plan, repository, policy.docker.compose)
}

/// Plans the changes of `sccfg docker`: `[docker]` of `sccfg.toml`, and the files that are rendered from it.
///
/// # Errors
/// If a named Dockerfile cannot be edited safely, or there is none and none can be generated.
pub(crate) fn add_docker(
    repository: &Repository,
    policy: &Policy,
    files: Files<'_>,
) -> Result<(Plan, DockerReport)> {
    let mut plan = Plan::new(&repository.root);
    let mut report = DockerReport::default();
    let names: Vec<String> = match files {
        Files::Named(names) => names.to_vec(),
        Files::Found if !policy.docker.files.is_empty() => policy.docker.files.clone(),
        Files::Found => found(repository),
    };
    let is_strict = files != Files::Found;
    // No Dockerfile is to blame for a faulty back end.
    policy_check::check_remote(repository, policy)?;
    let mut new_policy = policy.clone();
    new_policy.docker.files.clear();
    if names.is_empty() {
        refuse_nix(repository)?;
        let name = DOCKERFILE.to_owned();
        create(&mut plan, repository, policy, &name, &mut report)?;
        new_policy.docker.files.push(name);
    }
    for name in names {
        let Some(text) = repository.read_file(&name)? else {
            if files == Files::Found {
                return Err(missing(&name).into());
            }
            create(&mut plan, repository, policy, &name, &mut report)?;
            new_policy.docker.files.push(name);
            continue;
        };
        match render(
            &mut plan,
            repository,
            policy,
            &name,
            Some(text),
            &mut report,
        ) {
            Ok(0) if is_strict => {
                let what = format!("{name} has no instruction that sccfg can make faster");
                let hint = format!("sccfg docker {name} --explain");
                report.findings.push(Problem::new(what).hint(hint));
            }
            Ok(0) => {}
            Ok(_) => new_policy.docker.files.push(name),
            Err(error) if is_strict => return Err(error),
            Err(error) => match error.downcast::<Problem>() {
                Ok(problem) => report.findings.push(problem),
                Err(error) => return Err(error),
            },
        }
    }
    let known = &policy.docker.files;
    let managed = &new_policy.docker.files;
    undo(&mut plan, repository, known, managed, GeneratedFiles::Keep)?;
    compose(&mut plan, repository, policy.docker.compose)?;
    if !new_policy.docker.files.is_empty() || policy.docker.compose {
        let before = repository.read_file(FILE_NAME)?;
        let text = before.clone().unwrap_or_else(|| NEW_POLICY.to_owned());
        let after = new_policy.update_docker(Path::new(FILE_NAME), &text)?;
        plan.change(
            FileKind::Policy,
            repository.path(FILE_NAME),
            before,
            Some(after),
            "",
        );
    }
    report.files.clone_from(&new_policy.docker.files);
    Ok((plan.checked()?, report))
}

/// Plans to undo all edits of Dockerfiles, and to remove `[docker]` from `sccfg.toml`.
///
/// # Errors
/// If a region is damaged.
pub(crate) fn remove_docker_and_policy(repository: &Repository) -> Result<Plan> {
    let mut plan = Plan::new(&repository.root);
    remove_docker(&mut plan, repository)?;
    if let Some(text) = repository.read_file(FILE_NAME)? {
        let is_managed = !managed_files::with_regions(repository)?.is_empty();
        let after = match text.strip_prefix(NEW_POLICY).filter(|_| !is_managed) {
            Some(rest) if !rest.contains(['[', '#']) || is_only_docker(rest) => None,
            _ => Some(super::ci::without_table(&text, "docker")?),
        };
        plan.change(
            FileKind::Policy,
            repository.path(FILE_NAME),
            Some(text),
            after,
            "",
        );
    }
    Ok(plan.checked()?)
}

/// Plans to undo all edits of Dockerfiles.
///
/// # Errors
/// If a region is damaged.
pub(super) fn remove_docker(plan: &mut Plan, repository: &Repository) -> Result<()> {
    let known = names_in_policy(repository)?;
    undo(plan, repository, &known, &[], GeneratedFiles::Delete)?;
    compose(plan, repository, false)
}

/// The names in `docker.files`, also of a policy with faults elsewhere.
fn names_in_policy(repository: &Repository) -> Result<Vec<String>> {
    let text = repository.read_file(FILE_NAME)?.unwrap_or_default();
    let Ok(document) = toml::parse(&text, Path::new(FILE_NAME)) else {
        return Ok(Vec::new());
    };
    let files =
        toml::find(document.as_table(), &["docker", "files"]).and_then(|(_, item)| item.as_array());
    Ok(files
        .into_iter()
        .flatten()
        .filter_map(|name| Some(name.as_str()?.to_owned()))
        .collect())
}

/// A file that the policy names, and that does not exist.
fn missing(name: &str) -> Problem {
    Problem::new(format!(
        "{name} does not exist, and docker.files in sccfg.toml names it"
    ))
    .hint(format!(
        "remove it there, or create it: sccfg docker {name}"
    ))
}

/// Whether the lines below `[docker]` are its keys alone.
fn is_only_docker(rest: &str) -> bool {
    rest.lines()
        .all(|line| line.starts_with("files = [") || line.starts_with("compose = "))
}

/// Plans to put sccache into the Dockerfile `name`, which has or gets `text`. Returns in how many instructions.
fn render(
    plan: &mut Plan,
    repository: &Repository,
    policy: &Policy,
    name: &str,
    before: Option<String>,
    report: &mut DockerReport,
) -> Result<usize> {
    let text = before.clone().unwrap_or_default();
    let stripped = docker::without_regions(Path::new(name), &text)?;
    let (after, count) = rendered(policy, name, &text, &stripped, report)?;
    let summary = match count {
        0 => "without sccache".to_owned(),
        1 => "sccache in 1 instruction".to_owned(),
        count => format!("sccache in {count} instructions"),
    };
    plan.change(
        FileKind::Docker,
        repository.path(name),
        before,
        Some(after),
        summary,
    );
    Ok(count)
}

fn rendered(
    policy: &Policy,
    name: &str,
    text: &str,
    stripped: &Stripped,
    report: &mut DockerReport,
) -> Result<(String, usize)> {
    let dockerfile = Dockerfile::read(Path::new(name), text, stripped)?;
    let (edits, decisions) = docker::decide(&dockerfile)?;
    let of_file = decisions
        .into_iter()
        .map(|decision| (PathBuf::from(name), decision));
    report.decisions.extend(of_file);
    let settings = Settings::new(policy.cache.size, &policy.remote)?;
    report.secrets = settings.secret_names().collect();
    let after = docker::with_cache(&dockerfile, &edits, &settings)?;
    Ok((after, edits.count()))
}

/// Plans a new Dockerfile, and a `.dockerignore` if there is none.
fn create(
    plan: &mut Plan,
    repository: &Repository,
    policy: &Policy,
    name: &str,
    report: &mut DockerReport,
) -> Result<()> {
    let text = docker::new_dockerfile(&repository.root)?;
    let text = generated::with_header(Generator::Docker, &text);
    let stripped = docker::without_regions(Path::new(name), &text)?;
    let (after, _) = rendered(policy, name, &text, &stripped, report)?;
    plan.change(
        FileKind::Docker,
        repository.path(name),
        None,
        Some(after),
        "",
    );
    let ignore = repository.path(docker::IGNORE_FILE);
    let is_planned = plan.files.iter().any(|file| file.change.path == ignore);
    if !is_planned && !fsio::exists(&ignore) {
        let text = generated::with_header(Generator::Docker, docker::ignore());
        plan.change(FileKind::Docker, ignore, None, Some(text), "");
    }
    Ok(())
}

/// Plans the compose file, or to delete it.
fn compose(plan: &mut Plan, repository: &Repository, is_wanted: bool) -> Result<()> {
    let path = repository.path(docker::COMPOSE_FILE);
    let before = fsio::read(&path)?;
    let after = match &before {
        None if is_wanted => Some(generated::with_header(Generator::Docker, docker::COMPOSE)),
        Some(text) if !is_wanted && generated::is_untouched(Generator::Docker, text) => None,
        other => other.clone(),
    };
    plan.change(FileKind::Docker, path, before, after, "");
    Ok(())
}

/// The treatment of unedited generated files by [`undo`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum GeneratedFiles {
    Keep,
    Delete,
}

/// Plans to undo the edits of all Dockerfiles but `managed`; the policy has the names `known`.
fn undo(
    plan: &mut Plan,
    repository: &Repository,
    known: &[String],
    managed: &[String],
    generated_files: GeneratedFiles,
) -> Result<()> {
    let real = |name: &String| {
        let path = repository.path(name);
        path.canonicalize().unwrap_or(path)
    };
    // A file may have several names.
    let mut seen: Vec<PathBuf> = managed.iter().map(real).collect();
    let mut is_deleted = false;
    for name in candidates(repository, known)? {
        let real = real(&name);
        if seen.contains(&real) {
            continue;
        }
        seen.push(real);
        let Some(text) = repository.read_file(&name)? else {
            continue;
        };
        let stripped = docker::without_regions(Path::new(&name), &text)?;
        let path = repository.path(&name);
        if generated_files == GeneratedFiles::Delete
            && generated::is_untouched(Generator::Docker, &stripped.text)
        {
            is_deleted = true;
            plan.change(
                FileKind::Docker,
                path,
                Some(text),
                None,
                "generated by sccfg, not edited",
            );
        } else {
            plan.change(
                FileKind::Docker,
                path,
                Some(text),
                Some(stripped.text),
                "restored",
            );
        }
    }
    let ignore = docker::IGNORE_FILE;
    if is_deleted
        && let Some(text) = repository.read_file(ignore)?
        && generated::is_untouched(Generator::Docker, &text)
    {
        plan.change(
            FileKind::Docker,
            repository.path(ignore),
            Some(text),
            None,
            "",
        );
    }
    Ok(())
}

/// The files that may have lines of sccfg: those that the policy knows, all Dockerfiles, and tracked Dockerfiles of any
/// name that have the markers.
fn candidates(repository: &Repository, known: &[String]) -> Result<Vec<String>> {
    let mut names = known.to_vec();
    names.extend(found(repository));
    for name in tracked_with_markers(repository) {
        if names.contains(&name) || is_of_other_project(repository, &name) {
            continue;
        }
        let text = repository.read_file(&name)?;
        let is_dockerfile = |text: &String| {
            let whole = Stripped::unchanged(text);
            Dockerfile::read(Path::new(&name), text, &whole).is_ok()
        };
        if text.as_ref().is_some_and(is_dockerfile) {
            names.push(name);
        }
    }
    Ok(names)
}

/// Whether a project below the repository, with a policy or a git work tree of its own, has the file.
fn is_of_other_project(repository: &Repository, name: &str) -> bool {
    let directories = Path::new(name).ancestors().skip(1);
    directories
        .filter(|directory| !directory.as_os_str().is_empty())
        .any(|directory| is_project(&repository.path(directory)))
}

/// Whether a directory has a policy or a git work tree.
fn is_project(directory: &Path) -> bool {
    [FILE_NAME, ".git"]
        .iter()
        .any(|name| fsio::exists(&directory.join(name)))
}

/// The files tracked by git that have the first line of a region in an instruction.
fn tracked_with_markers(repository: &Repository) -> Vec<String> {
    if !repository.is_in_git() {
        return Vec::new();
    }
    let args = [
        "-c",
        "submodule.recurse=false",
        "-c",
        "grep.fullName=false",
        "grep",
        "--files-with-matches",
        "--no-color",
        "-z",
        "-I",
        "--fixed-strings",
        "-e",
        docker::MOUNTS,
    ];
    let Ok(output) = git::output(&args, &repository.root) else {
        return Vec::new();
    };
    let names = String::from_utf8_lossy(&output.stdout);
    names.split_terminator('\0').map(str::to_owned).collect()
}

/// The Dockerfiles that `sccfg docker` edits without being told their names. `Dockerfile` is one of them even if git
/// ignores it or it is a link, because `docker build .` reads it.
fn found(repository: &Repository) -> Vec<String> {
    let mut found = dockerfiles(repository);
    if found.is_empty() && repository.path(DOCKERFILE).is_file() {
        found.push(DOCKERFILE.to_owned());
    }
    found
}

/// The Dockerfiles of the repository that git does not ignore. Vendored packages, and projects that have a policy or a
/// git work tree of their own, are left out.
fn dockerfiles(repository: &Repository) -> Vec<String> {
    let walk = ignore::WalkBuilder::new(&repository.root)
        .hidden(false)
        .filter_entry(|entry| {
            let is_other = || entry.path().is_dir() && is_project(entry.path());
            let is_left_out = matches!(
                entry.file_name().to_str(),
                Some(".git" | "target" | "node_modules" | ".direnv" | "vendor")
            );
            entry.depth() == 0 || !is_left_out && !is_other()
        })
        .build();
    let mut found: Vec<String> = walk
        .flatten()
        .filter(|entry| entry.file_type().is_some_and(|kind| kind.is_file()))
        .filter(|entry| {
            entry
                .file_name()
                .to_str()
                .is_some_and(docker::is_dockerfile)
        })
        .filter_map(|entry| {
            let path = entry.path().strip_prefix(&repository.root).ok()?;
            Some(path.to_str()?.to_owned())
        })
        .collect();
    found.sort();
    found
}

/// Refuses to generate a Dockerfile where Nix builds the programs.
fn refuse_nix(repository: &Repository) -> Result<(), Problem> {
    let Some(flake) = repository.read_file("flake.nix")? else {
        return Ok(());
    };
    if !docker::has_packages(&flake) {
        return Ok(());
    }
    let at = flake.find("packages").unwrap_or_default();
    Err(Problem::new(
        "there is no Dockerfile, and this flake builds packages: an image of these by dockerTools has no second toolchain \
         to keep in step",
    )
    .at(Place::at(Path::new("flake.nix"), &flake, at))
    .hint("see `pkgs.dockerTools.buildLayeredImage` in nixpkgs' manual; for a Dockerfile all the same: sccfg docker Dockerfile"))
}
