//! Where a home-manager configuration is, and which of its modules is meant.

use std::path::{Path, PathBuf};

use super::Home;
use crate::plan::generated::{self, Maker};
use crate::repository::Repository;
use nix_shell_edit::Sources as _;
use nix_shell_edit::home::{Found, Module, ModuleKind};
use sccfg_util::posix::quote;
use sccfg_util::problem::Problem;
use sccfg_util::{env, fsio};

/// How many files and directories of a configuration are looked at.
const MOST_FILES: usize = 5_000;
const DEEPEST: usize = 10;

/// A directory with a home-manager configuration.
#[derive(Debug, Clone)]
pub(crate) struct Configuration {
    pub(super) directory: Repository,
    /// The module, where it was named.
    pub(super) module: Option<PathBuf>,
}

impl Configuration {
    /// The configuration in `named`, a directory or a module; else the one that home-manager itself
    /// takes, in `~/.config/home-manager` or `~/.config/nixpkgs`.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) fn locate(named: Option<&Path>, start: &Path) -> Result<Self, Problem> {
        let home = env::home_dir();
        if let Some(named) = named {
            let path: PathBuf = start.join(named).components().collect();
            // A whole home is not a configuration, though it may hold one.
            if path.is_dir() && home.as_ref() != Some(&path) {
                return Ok(Self::at(path));
            }
            if let (true, Some(directory), Some(name)) =
                (path.is_file(), path.parent(), path.file_name())
            {
                if name == "flake.nix" {
                    return Ok(Self::at(directory.to_owned()));
                }
                // What else there is to know stands in the whole repository.
                let has = |directory: &&Path, name: &str| fsio::exists(&directory.join(name));
                let root = directory
                    .ancestors()
                    .take_while(|above| Some(*above) != home.as_deref())
                    .find(|above| has(above, ".git") || has(above, "flake.nix"))
                    .unwrap_or(directory);
                return Ok(Self {
                    module: path.strip_prefix(root).ok().map(Path::to_owned),
                    ..Self::at(root.to_owned())
                });
            }
            if !path.is_dir() {
                return Err(Problem::new(format!(
                    "there is no directory or file {}",
                    path.display()
                ))
                .hint("name the directory of your home-manager configuration, or its home.nix"));
            }
        }
        let config = env::var_os("XDG_CONFIG_HOME")
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
            .or(home.map(|home| home.join(".config")))
            .ok_or_else(|| Problem::new("finding the home directory: HOME is not set"))?;
        for directory in ["home-manager", "nixpkgs"].map(|name| config.join(name)) {
            for name in ["home.nix", "flake.nix"] {
                let file = directory.join(name);
                if !fsio::exists(&file) {
                    continue;
                }
                // Dotfiles are often links to where they are kept; Nix follows them as well.
                let real = fsio::link_target(&file).unwrap_or(file);
                let real = real.parent().unwrap_or(&directory).to_owned();
                return Ok(Self::at(real));
            }
        }
        Err(Problem::new(format!(
            "there is no home-manager configuration in {}",
            config.join("home-manager").display()
        ))
        .hint(
            "name its directory: sccfg home DIR, such as /etc/nixos or your dotfiles; \
             a new one: nix run home-manager -- init",
        ))
    }

    fn at(root: PathBuf) -> Self {
        Self {
            directory: Repository { root },
            module: None,
        }
    }

    /// The Nix files, relative to the directory; those that `sccfg home` made apart.
    pub(super) fn files(&self) -> (Vec<PathBuf>, Vec<PathBuf>) {
        let ignored = |name: &str| matches!(name, ".git" | "target" | "result" | "node_modules");
        let walk = ignore::WalkBuilder::new(&self.directory.root)
            .hidden(false)
            .max_depth(Some(DEEPEST))
            .filter_entry(move |entry| !entry.file_name().to_str().is_some_and(ignored))
            .build();
        let mut files: Vec<PathBuf> = walk
            .flatten()
            .filter(|entry| {
                let path = entry.path();
                path.extension().is_some_and(|extension| extension == "nix") && path.is_file()
            })
            .filter_map(|entry| {
                let path = entry.path().strip_prefix(&self.directory.root).ok()?;
                Some(path.to_owned())
            })
            .take(MOST_FILES)
            .collect();
        files.sort();
        files.into_iter().partition(|file| !self.is_made(file))
    }

    fn is_made(&self, file: &Path) -> bool {
        file.file_name().is_some_and(|name| name == super::NAME)
            && matches!(self.directory.read(file), Ok(Some(text)) if generated::is_ours(Maker::Home, &text))
    }
}

/// The module that is meant.
pub(super) fn choose(
    configuration: &Configuration,
    found: &Found,
    wanted: &Home,
) -> Result<Module, Problem> {
    let root = configuration.directory.root.display();
    let is_meant = |module: &&Module| match (&wanted.user, &wanted.configuration) {
        (None, None) => true,
        (user, name) => {
            let is = |kind: ModuleKind, wanted: &Option<String>| {
                wanted.is_some() && module.kind == kind && module.name == *wanted
            };
            is(ModuleKind::User, user) || is(ModuleKind::Configuration, name)
        }
    };
    let meant: Vec<&Module> = found.modules.iter().filter(is_meant).collect();
    let is_same = |one: &Module, other: &Module| one.file == other.file && one.range == other.range;
    let one_of = |modules: &[&Module]| match modules {
        [first, rest @ ..] if rest.iter().all(|other| is_same(first, other)) => {
            Some((*first).clone())
        }
        _ => None,
    };
    if let Some(module) = one_of(&meant) {
        return Ok(module);
    }
    // Of several, one's own.
    if let Some(user) = env::var("USER").filter(|user| !user.is_empty()) {
        let own: Vec<&Module> = meant
            .iter()
            .filter(|module| {
                let name = module.name.as_deref().unwrap_or_default();
                name == user || name.split('@').next() == Some(&user)
            })
            .copied()
            .collect();
        if let Some(module) = one_of(&own) {
            return Ok(module);
        }
    }
    if meant.is_empty() {
        let problem = Problem::new(match found.modules.as_slice() {
            [] => format!("no home-manager configuration was found in {root}"),
            _ => format!("{root} has no home of that name"),
        });
        let hint = if found.modules.is_empty() {
            "name the module itself: sccfg home DIR/home.nix".to_owned()
        } else {
            format!("it has {}", names(&found.modules))
        };
        return Err(problem.hint(hint));
    }
    let all: Vec<Module> = meant.into_iter().cloned().collect();
    Err(
        Problem::new(format!("{root} has several home-manager configurations"))
            .hint(format!("name one: {}", names(&all))),
    )
}

/// How each of the modules is asked for.
fn names(modules: &[Module]) -> String {
    let mut names: Vec<String> = modules
        .iter()
        .map(|module| match (module.kind, &module.name) {
            (ModuleKind::Configuration, Some(name)) => format!("--config {}", quote(name)),
            (ModuleKind::User, Some(name)) => format!("--user {}", quote(name)),
            _ => format!("the file {}", module.file.display()),
        })
        .collect();
    names.dedup();
    names.join(", ")
}
