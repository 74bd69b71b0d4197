//! Runs sccfg over copies of many repositories, and checks the result of each.
//!
//! ```text
//! scripts/corpus [--diff NAME [--short]] [--jobs N] [--input URL] DIR
//! ```
//!
//! For every `DIR/*/flake.nix`: `init`, parse what changed, `init` again, `apply --check`,
//! `remove`. The second `init` must change nothing, the check must find nothing, and `remove` must
//! bring back every byte of the tree. Needs no network and no evaluation; `nix-instantiate --parse`
//! parses the result as well where it is installed, since rnix accepts duplicate attributes.

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a tool for developers, run by itself"
)]

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs;
use std::io::{self, ErrorKind, Write as _};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;

/// Directories that are no part of a repository's source.
const SKIPPED: [&str; 4] = [".git", ".direnv", "node_modules", "target"];

fn main() -> Result<ExitCode> {
    let options = Options::from_args()?;
    let scratch = tempfile::tempdir()?;
    let tools = Tools::new(&options, scratch.path())?;
    if let Some(name) = &options.diff {
        let project = options.directory.join(name);
        let mut out = String::new();
        show_diff(&tools, &project, scratch.path(), options.short, &mut out)?;
        return print(&out).map(|()| ExitCode::SUCCESS);
    }
    let projects = projects(&options.directory)?;
    let start = Instant::now();
    let rows = examine_all(&tools, &projects, scratch.path(), options.jobs)?;
    let seconds = start.elapsed().as_secs_f64();
    print(&table(&rows, seconds))?;
    if !tools.nix {
        eprintln!("note: nix-instantiate is not there, so only rnix has parsed what was edited");
    }
    let wrong = rows.iter().any(|row| matches!(row.verdict, Verdict::Wrong));
    Ok(ExitCode::from(u8::from(wrong)))
}

struct Options {
    sccfg: PathBuf,
    directory: PathBuf,
    diff: Option<String>,
    /// The address that sccfg gets as an input, if it is to be one.
    input: Option<String>,
    short: bool,
    jobs: usize,
}

impl Options {
    fn from_args() -> Result<Self> {
        let usage = "usage: scripts/corpus [--diff NAME [--short]] [--jobs N] [--input URL] DIR";
        let mut options = Self {
            sccfg: PathBuf::from("target/release/sccfg"),
            directory: PathBuf::new(),
            diff: None,
            input: None,
            short: false,
            jobs: std::thread::available_parallelism().map_or(1, NonZero::get),
        };
        let mut args = std::env::args().skip(1);
        while let Some(arg) = args.next() {
            let mut value = || args.next().context(usage);
            match arg.as_str() {
                "--sccfg" => options.sccfg = value()?.into(),
                "--diff" => options.diff = Some(value()?),
                "--input" => options.input = Some(value()?),
                "--short" => options.short = true,
                "--jobs" => options.jobs = value()?.parse().context(usage)?,
                _ if arg.starts_with('-') => bail!("{usage}"),
                _ => options.directory = arg.into(),
            }
        }
        ensure!(options.directory.is_dir(), "{usage}");
        Ok(options)
    }
}

/// The programs that are run, and the surroundings they get.
struct Tools {
    sccfg: PathBuf,
    home: PathBuf,
    input: Option<String>,
    /// Whether `nix-instantiate` can parse here.
    nix: bool,
}

impl Tools {
    /// The arguments of `init`.
    fn init(&self) -> Vec<&str> {
        let input = self.input.as_deref().map(|url| ["--input", url]);
        ["init", "--json", "--no-user-config"]
            .into_iter()
            .chain(input.into_iter().flatten())
            .collect()
    }

    fn new(options: &Options, scratch: &Path) -> Result<Self> {
        let sccfg = &options.sccfg;
        let home = scratch.join("home");
        fs::create_dir_all(home.join("nix"))?;
        let conf = "experimental-features = nix-command flakes\nsandbox = false\n\
                    build-users-group =\nsubstituters =\n";
        fs::write(home.join("nix/nix.conf"), conf)?;
        let probe = home.join("probe.nix");
        fs::write(&probe, "{ }\n")?;
        let sccfg = sccfg
            .canonicalize()
            .with_context(|| format!("no sccfg at {}", sccfg.display()))?;
        let mut tools = Self {
            sccfg,
            home,
            input: options.input.clone(),
            nix: true,
        };
        tools.nix = tools.nix_complaint(&probe)?.is_none();
        Ok(tools)
    }

    fn command(&self, program: impl AsRef<OsStr>, directory: &Path) -> Command {
        let mut command = Command::new(program);
        let home = &self.home;
        command
            .current_dir(directory)
            .env("HOME", home)
            .env("NIX_CONF_DIR", home.join("nix"))
            .env("NIX_STORE_DIR", home.join("store"))
            .env("NIX_STATE_DIR", home.join("var"))
            .env("NIX_LOG_DIR", home.join("log"))
            .env_remove("NIX_REMOTE")
            .env_remove("XDG_CONFIG_HOME")
            .env_remove("XDG_CACHE_HOME")
            .env_remove("XDG_RUNTIME_DIR")
            .env_remove("SCCACHE_CONF")
            .env_remove("CARGO_HOME");
        command
    }

    fn sccfg(&self, args: &[&str], directory: &Path) -> Result<Output> {
        Ok(self.command(&self.sccfg, directory).args(args).output()?)
    }

    /// What Nix has against a file's syntax, `None` when nothing, or when there is no Nix.
    fn nix_complaint(&self, file: &Path) -> Result<Option<String>> {
        if !self.nix {
            return Ok(None);
        }
        let output = self
            .command("nix-instantiate", &self.home)
            .arg("--parse")
            .arg(file)
            .output();
        match output {
            Ok(output) if output.status.success() => Ok(None),
            Ok(output) => Ok(Some(first_line(&output.stderr))),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Some(error.to_string())),
            Err(error) => Err(error.into()),
        }
    }
}

/// The directories in `directory` that have a flake.
fn projects(directory: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.join("flake.nix").is_file() {
            found.push(path);
        }
    }
    ensure!(!found.is_empty(), "no flake in {}/*/", directory.display());
    found.sort();
    Ok(found)
}

/// The outcome of a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    Edited,
    Elsewhere,
    Wrapped,
    NoShell,
    Refused,
    Wrong,
}

impl Verdict {
    const ALL: [Self; 6] = [
        Self::Edited,
        Self::Elsewhere,
        Self::Wrapped,
        Self::NoShell,
        Self::Refused,
        Self::Wrong,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Edited => "edited",
            Self::Elsewhere => "edited elsewhere",
            Self::Wrapped => "wrapped",
            Self::NoShell => "no shell",
            Self::Refused => "refused",
            Self::Wrong => "WRONG",
        }
    }
}

#[derive(Debug)]
struct Row {
    project: String,
    verdict: Verdict,
    /// The shells with their places, or the reason.
    says: String,
}

/// What `sccfg init --json` prints.
#[derive(Debug, Deserialize)]
struct Plan {
    files: Vec<PlannedFile>,
    shells: Vec<Shell>,
    warnings: Vec<Warning>,
}

#[derive(Debug, Deserialize)]
struct PlannedFile {
    path: PathBuf,
    diff: String,
}

#[derive(Debug, Deserialize)]
struct Shell {
    #[serde(rename = "shell")]
    name: String,
    place: Place,
    how: String,
}

#[derive(Debug, Deserialize)]
struct Place {
    path: PathBuf,
    line: u32,
}

#[derive(Debug, Deserialize)]
struct Warning {
    what: String,
    place: Option<Place>,
}

impl Plan {
    fn verdict(&self) -> Verdict {
        if self.shells.iter().any(|shell| shell.how == "wrapped") {
            Verdict::Wrapped
        } else if self
            .shells
            .iter()
            .any(|shell| shell.place.path != Path::new("flake.nix"))
        {
            Verdict::Elsewhere
        } else {
            Verdict::Edited
        }
    }

    fn summary(&self) -> String {
        let mut out = String::new();
        for shell in &self.shells {
            let Place { path, line } = &shell.place;
            let _ = write!(out, "{} {}:{line}  ", shell.name, path.display());
        }
        for warning in &self.warnings {
            let line = warning.place.as_ref().map_or(0, |place| place.line);
            let _ = write!(out, "[warns of line {line}: {}]  ", warning.what);
        }
        out.trim_end().to_owned()
    }
}

fn examine_all(
    tools: &Tools,
    projects: &[PathBuf],
    scratch: &Path,
    jobs: usize,
) -> Result<Vec<Row>> {
    let next = AtomicUsize::new(0);
    let rows = Mutex::new(Vec::new());
    let work = || -> Result<()> {
        while let Some(project) = projects.get(next.fetch_add(1, Ordering::Relaxed)) {
            let row = examine(tools, project, scratch)
                .with_context(|| format!("examining {}", project.display()))?;
            if let Ok(mut rows) = rows.lock() {
                rows.push(row);
            }
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..jobs.max(1)).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_for_each(|worker| {
            worker
                .join()
                .unwrap_or_else(|_| bail!("a worker thread panicked"))
        })
    })?;
    let mut rows = rows.into_inner().unwrap_or_default();
    rows.sort_by(|a, b| (a.verdict, &a.project).cmp(&(b.verdict, &b.project)));
    Ok(rows)
}

fn examine(tools: &Tools, project: &Path, scratch: &Path) -> Result<Row> {
    let name = file_name(project);
    let copy = scratch.join(&name);
    copy_tree(project, &copy)?;
    let (verdict, says) = match verdict(tools, &copy)? {
        Ok(found) => found,
        Err(wrong) => (Verdict::Wrong, wrong),
    };
    fs::remove_dir_all(&copy)?;
    Ok(Row {
        project: name,
        verdict,
        says,
    })
}

/// The outcome for the repository in `copy`.
fn verdict(tools: &Tools, copy: &Path) -> Result<Result<(Verdict, String), String>> {
    let before = snapshot(copy)?;
    let init = tools.init();
    let first = tools.sccfg(&init, copy)?;
    let after = snapshot(copy)?;
    if !first.status.success() {
        let reason = first_line(&first.stderr);
        if first.status.code() != Some(1) {
            return Ok(Err(format!("init ended with {}: {reason}", first.status)));
        }
        if let Some(path) = difference(&before, &after) {
            return Ok(Err(format!("a refused init changed {path}")));
        }
        let verdict = if reason.contains("no dev shell found") {
            Verdict::NoShell
        } else {
            Verdict::Refused
        };
        return Ok(Ok((verdict, reason)));
    }
    let plan: Plan = serde_json::from_slice(&first.stdout)?;
    if let Some(complaint) = complaint(tools, copy, &plan, &before)? {
        return Ok(Err(complaint));
    }
    let second = tools.sccfg(&init, copy)?;
    if let Some(path) = difference(&after, &snapshot(copy)?) {
        return Ok(Err(format!("a second init changed {path}")));
    }
    if !second.status.success() {
        return Ok(Err(format!("second init: {}", first_line(&second.stderr))));
    }
    let check = tools.sccfg(&["apply", "--check"], copy)?;
    if !check.status.success() {
        return Ok(Err(format!("apply --check: {}", first_line(&check.stderr))));
    }
    let remove = tools.sccfg(&["remove"], copy)?;
    if !remove.status.success() {
        return Ok(Err(format!("remove: {}", first_line(&remove.stderr))));
    }
    if let Some(path) = difference(&before, &snapshot(copy)?) {
        return Ok(Err(format!("not restored: {path}")));
    }
    Ok(Ok((plan.verdict(), plan.summary())))
}

/// What the parsers have against an edited file that they did not have against it before.
fn complaint(tools: &Tools, copy: &Path, plan: &Plan, before: &Tree) -> Result<Option<String>> {
    for file in &plan.files {
        if file
            .path
            .extension()
            .is_none_or(|extension| extension != "nix")
        {
            continue;
        }
        let path = copy.join(&file.path);
        let text = fs::read_to_string(&path)?;
        if let Some(error) = rnix::Root::parse(&text).errors().first() {
            return Ok(Some(format!("{}: rnix: {error}", file.path.display())));
        }
        let Some(error) = tools.nix_complaint(&path)? else {
            continue;
        };
        // A syntax newer than this Nix is no fault of the edit.
        let original = copy.join("sccfg-original.nix");
        fs::write(
            &original,
            before.get(&file.path).map_or(&[][..], Vec::as_slice),
        )?;
        let was_fine = tools.nix_complaint(&original)?.is_none();
        fs::remove_file(&original)?;
        if was_fine {
            return Ok(Some(format!("{}: nix: {error}", file.path.display())));
        }
    }
    Ok(None)
}

fn show_diff(
    tools: &Tools,
    project: &Path,
    scratch: &Path,
    short: bool,
    out: &mut String,
) -> Result<()> {
    let copy = scratch.join(file_name(project));
    copy_tree(project, &copy)?;
    let init = [tools.init().as_slice(), &["--dry-run"]].concat();
    let output = tools.sccfg(&init, &copy)?;
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr).trim());
    }
    let plan: Plan = serde_json::from_slice(&output.stdout)?;
    let _ = writeln!(out, "{}", plan.summary());
    for file in &plan.files {
        if short
            && file
                .path
                .extension()
                .is_none_or(|extension| extension != "nix")
        {
            continue;
        }
        out.push_str(&file.diff);
    }
    Ok(())
}

fn table(rows: &[Row], seconds: f64) -> String {
    let width = rows.iter().map(|row| row.project.len()).max().unwrap_or(0);
    let mut out = String::new();
    for row in rows {
        let (verdict, project) = (row.verdict.name(), &row.project);
        let _ = writeln!(out, "{verdict:<16}  {project:<width$}  {}", row.says);
    }
    let _ = writeln!(out);
    for verdict in Verdict::ALL {
        let count = rows.iter().filter(|row| row.verdict == verdict).count();
        let _ = writeln!(out, "{count:>5}  {}", verdict.name());
    }
    let total = u32::try_from(rows.len()).unwrap_or(u32::MAX);
    let speed = f64::from(total) / seconds;
    let _ = writeln!(
        out,
        "{total:>5}  in all, {seconds:.1} s, {speed:.0} flakes a second"
    );
    out
}

/// Every file below a directory with its bytes; a link with where it leads.
type Tree = BTreeMap<PathBuf, Vec<u8>>;

fn snapshot(root: &Path) -> Result<Tree> {
    let mut tree = Tree::new();
    for_each_file(root, &mut |path, kind| {
        let bytes = if kind.is_symlink() {
            fs::read_link(path)?.into_os_string().into_encoded_bytes()
        } else {
            fs::read(path)?
        };
        tree.insert(path.strip_prefix(root)?.to_owned(), bytes);
        Ok(())
    })?;
    Ok(tree)
}

/// The first path at which two trees differ.
fn difference(left: &Tree, right: &Tree) -> Option<String> {
    left.keys()
        .chain(right.keys())
        .find(|&path| left.get(path) != right.get(path))
        .map(|path| path.display().to_string())
}

fn copy_tree(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for_each_file(from, &mut |path, kind| {
        let target = to.join(path.strip_prefix(from)?);
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent)?;
        }
        if kind.is_symlink() {
            symlink(&fs::read_link(path)?, &target)?;
        } else {
            fs::write(&target, fs::read(path)?)?;
        }
        Ok(())
    })
}

#[cfg(unix)]
fn symlink(leads_to: &Path, link: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(leads_to, link)
}

#[cfg(not(unix))]
fn symlink(_: &Path, _: &Path) -> io::Result<()> {
    Err(ErrorKind::Unsupported.into())
}

fn for_each_file(
    directory: &Path,
    visit: &mut dyn FnMut(&Path, fs::FileType) -> Result<()>,
) -> Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let (path, kind) = (entry.path(), entry.file_type()?);
        if !kind.is_dir() {
            visit(&path, kind)?;
        } else if !SKIPPED.iter().any(|name| entry.file_name() == *name) {
            for_each_file(&path, visit)?;
        }
    }
    Ok(())
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

/// The first line of a program's output that is not empty.
fn first_line(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let mut lines = text.lines().filter(|line| !line.starts_with("warning:"));
    let line = lines.find(|line| line.starts_with("error:") || line.contains("panicked"));
    let line = line.or_else(|| text.lines().next()).unwrap_or_default();
    line.trim_start_matches("error:").trim().to_owned()
}

/// Prints; a reader that went away is no error.
fn print(text: &str) -> Result<()> {
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}
