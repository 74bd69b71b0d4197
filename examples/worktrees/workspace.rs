//! The workspace to build: the small crates of `tests/workspace` and those with real dependencies, in a
//! git repository with two linked worktrees.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

/// A repository and its checkouts.
#[derive(Debug)]
pub(crate) struct Workspace {
    pub(crate) directory: PathBuf,
    /// Omitted members, with the reasons.
    pub(crate) left_out: Vec<String>,
}

/// The members of the workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Contents {
    /// Only the small crates.
    Small,
    /// Also those with real dependencies.
    All,
}

/// A checkout of the repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Main,
    Second,
    Deep,
    /// With a changed source file.
    Next,
    Seeded,
}

impl Place {
    pub(crate) const ALL: [Self; 5] = [
        Self::Main,
        Self::Second,
        Self::Deep,
        Self::Next,
        Self::Seeded,
    ];

    pub(crate) fn relative(self) -> &'static str {
        match self {
            Self::Main => "main",
            Self::Second => "second",
            Self::Deep => "a/b/c/deep",
            Self::Next => "next",
            Self::Seeded => "seeded",
        }
    }
}

impl Workspace {
    /// Creates it in `directory`, and fetches its dependencies.
    pub(crate) fn make(directory: &Path, contents: Contents) -> Result<Self> {
        fs::create_dir_all(directory)?;
        let directory = directory.canonicalize()?;
        for place in ["main", "second", "a", "next", "seeded"] {
            let path = directory.join(place);
            if path.exists() {
                ensure!(
                    directory.join(MARK).exists(),
                    "{} was not made by this program",
                    path.display()
                );
                fs::remove_dir_all(path)?;
            }
        }
        fs::write(directory.join(MARK), "made by scripts/bench-worktrees\n")?;
        let mut workspace = Self {
            directory,
            left_out: Vec::new(),
        };
        let template = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/workspace");
        let main = workspace.path(Place::Main);
        copy(&template, &main)?;
        workspace.fill(&main, contents)?;
        run(Command::new("cargo").arg("fetch").current_dir(&main))?;
        for args in [
            &["init", "-q", "-b", "main"][..],
            &["add", "."],
            &["commit", "-q", "-m", "A workspace"],
        ] {
            run(git(&main).args(args))?;
        }
        for place in &Place::ALL[1..] {
            let path = workspace.path(*place);
            run(git(&main)
                .args(["worktree", "add", "-q", "--detach"])
                .arg(path))?;
        }
        let changed = workspace.path(Place::Next).join(CHANGED);
        let source = fs::read_to_string(&changed)?;
        fs::write(changed, source + "// changed\n")?;
        Ok(workspace)
    }

    fn fill(&mut self, main: &Path, contents: Contents) -> Result<()> {
        if contents == Contents::Small {
            return Ok(fs::remove_dir_all(main.join("heavy"))?);
        }
        let manifest = fs::read_to_string(main.join("Cargo.toml"))?;
        let manifest = manifest.replace("\"crates/*\"", "\"crates/*\", \"heavy/*\"");
        fs::write(main.join("Cargo.toml"), manifest)?;
        fs::rename(main.join("heavy/Cargo.lock"), main.join("Cargo.lock"))?;
        if !libclang() {
            fs::remove_dir_all(main.join("heavy/binds"))?;
            let what = "no libclang (LIBCLANG_PATH): the crate with bindgen";
            self.left_out.push(what.to_owned());
        }
        Ok(())
    }

    pub(crate) fn path(&self, place: Place) -> PathBuf {
        self.directory.join(place.relative())
    }

    /// More worktrees, numbered.
    pub(crate) fn another(&self, number: usize) -> Result<PathBuf> {
        let path = self.directory.join(format!("a/stress/{number}"));
        let main = self.path(Place::Main);
        run(git(&main)
            .args(["worktree", "add", "-q", "--detach"])
            .arg(&path))?;
        Ok(path)
    }
}

/// The file that [`Place::Next`] changes.
const CHANGED: &str = "crates/plain/src/lib.rs";

/// Marks a directory whose contents may be removed.
const MARK: &str = ".bench-worktrees";

pub(crate) fn git(directory: &Path) -> Command {
    let mut git = Command::new("git");
    git.current_dir(directory)
        .args(["-c", "user.name=bench", "-c", "user.email=bench@localhost"]);
    git
}

pub(crate) fn run(command: &mut Command) -> Result<()> {
    let output = command
        .output()
        .with_context(|| format!("starting {command:?}"))?;
    ensure!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}

/// Whether bindgen will find libclang.
fn libclang() -> bool {
    let is_library = |directory: &Path| {
        fs::read_dir(directory).is_ok_and(|mut entries| {
            entries.any(|entry| {
                entry.is_ok_and(|entry| {
                    let name = entry.file_name();
                    let name = name.to_string_lossy();
                    name.starts_with("libclang.so") || name.starts_with("libclang-")
                })
            })
        })
    };
    if let Some(directory) = std::env::var_os("LIBCLANG_PATH") {
        return is_library(Path::new(&directory));
    }
    let llvm = fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    llvm.filter(|entry| entry.file_name().to_string_lossy().starts_with("llvm-"))
        .any(|entry| is_library(&entry.path().join("lib")))
        || is_library(Path::new("/usr/lib/x86_64-linux-gnu"))
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            if entry.file_name() != "target" {
                copy(&entry.path(), &target)?;
            }
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
