//! `results`: builds small projects that are hard to cache with each cache, and compares what their programs print with
//! a build without a cache in the same place.

mod inputs;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result, bail, ensure};
use sccfg_util::interrupt::Interrupt;

use self::inputs::{Change, INPUTS, Input};
use crate::ResultsOptions;
use crate::bench::remove_target;
use crate::variant::{Programs, State, Variant};
use crate::workspace::{git, run as run_command};

pub(crate) fn run(options: &ResultsOptions, interrupt: &Interrupt) -> Result<ExitCode> {
    let programs = &options.common.programs()?;
    let directory = options.common.directory.join("results");
    fs::create_dir_all(&directory)?;
    let directory = directory.canonicalize()?;
    let mut variants = options.caches.only.clone();
    variants.retain(|it| *it != Variant::Nothing && programs.missing(*it).is_none());
    let mut wrong: BTreeMap<(usize, Variant), Vec<String>> = BTreeMap::new();
    let inputs: Vec<&Input> = INPUTS
        .iter()
        .filter(|it| options.inputs.is_empty() || options.inputs.iter().any(|name| name == it.name))
        .collect();
    ensure!(!inputs.is_empty(), "no such input");
    for (nth, input) in inputs.iter().enumerate() {
        let project = Project::new(input, &directory);
        let expected = project.build_all(Variant::Nothing, programs, interrupt)?;
        if let Some((step, Err(message))) = expected.iter().find(|(_, said)| said.is_err()) {
            bail!("{}, {step}: fails without a cache: {message}", input.name);
        }
        if let [(_, before), _, (_, after), _] = &expected[..] {
            ensure!(before != after, "{}: the change has no effect", input.name);
        }
        for &variant in &variants {
            let said = project.build_all(variant, programs, interrupt)?;
            let differences = differences(&said, &expected);
            eprintln!(
                "{:22} {:9} {}",
                input.name,
                variant.name(),
                if differences.is_empty() {
                    "right"
                } else {
                    "WRONG"
                }
            );
            wrong.insert((nth, variant), differences);
        }
    }
    println!("{}", table(&inputs, &variants, &wrong));
    let ours = [Variant::Portable, Variant::Keys];
    let is_right = wrong
        .iter()
        .all(|((_, variant), found)| found.is_empty() || !ours.contains(variant));
    Ok(ExitCode::from(u8::from(!is_right)))
}

/// What a step's program said, or why there is none.
type Said = std::result::Result<String, String>;

/// An input at its place: a repository `main` and a linked worktree `a/b/second`.
struct Project<'a> {
    input: &'a Input,
    main: PathBuf,
    second: PathBuf,
}

impl<'a> Project<'a> {
    fn new(input: &'a Input, directory: &Path) -> Self {
        let directory = directory.join(input.name);
        Self {
            input,
            main: directory.join("main"),
            second: directory.join("a/b/second"),
        }
    }

    /// Creates the project and builds it with an empty cache, in both checkouts, before and after the change.
    fn build_all(
        &self,
        variant: Variant,
        programs: &Programs,
        interrupt: &Interrupt,
    ) -> Result<Vec<(&'static str, Said)>> {
        self.create()?;
        let state = State::new(variant, programs)?;
        let mut said = Vec::new();
        let mut build = |step, checkout: &Path, variable| {
            ensure!(!interrupt.is_received(), "interrupted");
            said.push((step, self.build(&state, checkout, variable)?));
            Ok(())
        };
        build("first build", &self.main, None)?;
        build("second worktree", &self.second, None)?;
        if !matches!(self.input.change, Change::Place) {
            for checkout in [&self.main, &self.second] {
                self.change(checkout)?;
            }
            let variable = match self.input.change {
                Change::Variable(name, value) => Some((name, value)),
                _ => None,
            };
            build("after the change", &self.main, variable)?;
            build("after the change, second worktree", &self.second, variable)?;
        }
        drop(state);
        for checkout in [&self.main, &self.second] {
            remove_target(checkout)?;
        }
        fs::remove_dir_all(self.main.parent().context("no parent")?)?;
        Ok(said)
    }

    fn create(&self) -> Result<()> {
        let write = |name: &str, text: &str| write(&self.main.join(name), text);
        let input = self.input;
        let mut manifest = "[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n\
                            [workspace]\n\n[dependencies]\n"
            .to_owned();
        write(".gitignore", "/target\n")?;
        write("src/main.rs", input.program)?;
        if !input.make.is_empty() {
            manifest.push_str("make = { path = \"make\" }\n");
            write(
                "make/Cargo.toml",
                "[package]\nname = \"make\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[lib]\nproc-macro = true\n",
            )?;
            let source = format!(
                "#[proc_macro]\npub fn make(_: proc_macro::TokenStream) -> proc_macro::TokenStream {{\n    \
                 let text: String = {};\n    format!(\"{{text:?}}\").parse().unwrap()\n}}\n",
                input.make
            );
            write("make/src/lib.rs", &source)?;
        }
        if !input.part.is_empty() {
            manifest.push_str("part = { path = \"part\" }\n");
            write(
                "part/Cargo.toml",
                "[package]\nname = \"part\"\nversion = \"0.1.0\"\nedition = \"2024\"\n",
            )?;
            write("part/src/lib.rs", input.part)?;
        }
        if !input.script.is_empty() {
            let source = format!(
                "fn main() {{\n    let out = std::path::PathBuf::from(std::env::var_os(\"OUT_DIR\").unwrap());\n    \
                 let _ = &out;\n    {}\n}}\n",
                input.script
            );
            write("build.rs", &source)?;
        }
        write("Cargo.toml", &manifest)?;
        for (name, text) in input.files {
            write(name, text)?;
        }
        run_command(
            Command::new("cargo")
                .args(["generate-lockfile", "--offline"])
                .current_dir(&self.main),
        )?;
        for args in [
            &["init", "-q", "-b", "main"][..],
            &["add", "."],
            &["commit", "-q", "-m", "A project"],
        ] {
            run_command(git(&self.main).args(args))?;
        }
        run_command(
            git(&self.main)
                .args(["worktree", "add", "-q", "--detach"])
                .arg(&self.second),
        )?;
        for checkout in [&self.main, &self.second] {
            self.prepare(checkout)?;
        }
        Ok(())
    }

    fn prepare(&self, checkout: &Path) -> Result<()> {
        run_command(
            Command::new("sh")
                .args(["-ec", self.input.prepare])
                .current_dir(checkout),
        )
    }

    fn change(&self, checkout: &Path) -> Result<()> {
        match self.input.change {
            Change::Place | Change::Variable(..) => {}
            Change::Content(name, text) => {
                let path = checkout.join(name);
                let metadata = fs::metadata(&path)?;
                ensure!(
                    metadata.len() == text.len() as u64,
                    "{}: another size",
                    self.input.name
                );
                fs::write(&path, text)?;
                fs::File::options()
                    .write(true)
                    .open(&path)?
                    .set_modified(metadata.modified()?)?;
            }
            Change::Edit(name, text) | Change::Appears(name, text) => {
                write(&checkout.join(name), text)?;
            }
            Change::Link(name, to) => {
                fs::remove_file(checkout.join(name))?;
                std::os::unix::fs::symlink(to, checkout.join(name))?;
            }
            Change::Commit => {
                let subject = if checkout == self.main {
                    "One more"
                } else {
                    "Another one"
                };
                run_command(git(checkout).args(["commit", "-q", "--allow-empty", "-m", subject]))?;
            }
        }
        self.prepare(checkout)?;
        if !matches!(self.input.change, Change::Edit(..)) {
            remove_target(checkout)?;
        }
        Ok(())
    }

    /// Builds `checkout`, and runs its program.
    fn build(
        &self,
        state: &State<'_>,
        checkout: &Path,
        variable: Option<(&str, &str)>,
    ) -> Result<Said> {
        let mut changes = state.changes();
        changes.push((
            "APP_MODE".into(),
            variable.map(|(_, value)| OsString::from(value)),
        ));
        let mut cargo = Command::new(state.cargo());
        cargo.args(["build", "--offline"]).current_dir(checkout);
        for (name, value) in changes {
            match value {
                Some(value) => cargo.env(name, value),
                None => cargo.env_remove(name),
            };
        }
        let built = cargo.output().context("starting cargo")?;
        if !built.status.success() {
            let text = String::from_utf8_lossy(&built.stderr).into_owned();
            let line = text.lines().find(|line| line.starts_with("error"));
            return Ok(Err(format!(
                "the build fails: {}",
                line.unwrap_or("no message")
            )));
        }
        let program = checkout.join("target/debug/app");
        let output = Command::new(&program)
            .current_dir(checkout)
            .output()
            .with_context(|| format!("starting {}", program.display()))?;
        if !output.status.success() {
            return Ok(Err(format!("the program fails: {}", output.status)));
        }
        let mut said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        if self.input.counts_paths {
            let bytes = fs::read(&program)?;
            let count = |path: &Path| {
                memchr::memmem::find_iter(&bytes, path.as_os_str().as_encoded_bytes()).count()
            };
            let (own, other) = if checkout == self.main {
                (&self.main, &self.second)
            } else {
                (&self.second, &self.main)
            };
            let _ = write!(
                said,
                "; its own path {} times, that of the other checkout {} times",
                count(own),
                count(other)
            );
        }
        Ok(Ok(said))
    }
}

/// Every step that differs from the one without a cache.
fn differences(said: &[(&'static str, Said)], expected: &[(&'static str, Said)]) -> Vec<String> {
    let pairs = said.iter().zip(expected);
    pairs
        .filter(|((_, said), (_, expected))| said != expected)
        .map(|((step, said), (_, expected))| {
            let expected = expected.as_deref().unwrap_or_default();
            match said {
                Ok(said) => format!("{step}: `{said}` in place of `{expected}`"),
                Err(message) => format!("{step}: {message}"),
            }
        })
        .collect()
}

fn table(
    inputs: &[&Input],
    variants: &[Variant],
    wrong: &BTreeMap<(usize, Variant), Vec<String>>,
) -> String {
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::ASCII_MARKDOWN);
    let names = variants.iter().map(|it| it.name());
    table.set_header(["input", "what it does"].into_iter().chain(names.clone()));
    for (nth, input) in inputs.iter().enumerate() {
        let verdicts = variants
            .iter()
            .map(|variant| match wrong.get(&(nth, *variant)) {
                Some(found) if found.is_empty() => "right",
                _ => "WRONG",
            });
        table.add_row([input.name, input.about].into_iter().chain(verdicts));
    }
    let mut text = format!("{table}\n\n");
    for (variant, name) in variants.iter().zip(names) {
        let right = wrong
            .iter()
            .filter(|((_, it), found)| it == variant && found.is_empty())
            .count();
        let _ = writeln!(text, "{name}: {right} of {} right", inputs.len());
    }
    for ((nth, variant), found) in wrong {
        for difference in found {
            let _ = writeln!(
                text,
                "{}, {}, {difference}",
                inputs[*nth].name,
                variant.name()
            );
        }
    }
    text
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::create_dir_all(path.parent().context("no parent")?)?;
    Ok(fs::write(path, text)?)
}
