//! Finds the home-manager configuration and the module to edit.

use std::path::{Path, PathBuf};

use super::HomeOptions;
use crate::plan::generated::{self, Generator};
use crate::repository::Repository;
use nix_shell_edit::Sources as _;
use nix_shell_edit::home::{Found, Module, ModuleKind};
use sccfg_util::posix::quote;
use sccfg_util::problem::Problem;
use sccfg_util::{env, fsio};

/// Limits of the search in a configuration.
const MAX_FILES: usize = 5_000;
const MAX_DEPTH: usize = 10;
/// How many files a hint names.
const MAX_NAMED: usize = 8;

/// A directory with a home-manager configuration.
#[derive(Debug, Clone)]
pub(crate) struct Configuration {
    pub(super) directory: Repository,
    /// The module, if it was named.
    pub(super) module: Option<PathBuf>,
}

impl Configuration {
    /// The configuration in `named`, a directory or a module; else the one that home-manager uses, in
    /// `~/.config/home-manager` or `~/.config/nixpkgs`.
    ///
    /// # Errors
    /// If there is none.
    pub(crate) fn locate(named: Option<&Path>, start: &Path) -> Result<Self, Problem> {
        let home = env::home_dir();
        if let Some(named) = named {
            let path: PathBuf = start.join(named).components().collect();
            // A home directory is not a configuration, but may contain one.
            if path.is_dir() && home.as_ref() != Some(&path) {
                return Ok(Self::at(path));
            }
            if let (true, Some(directory), Some(name)) =
                (path.is_file(), path.parent(), path.file_name())
            {
                if name == "flake.nix" {
                    return Ok(Self::at(directory.to_owned()));
                }
                // The rest of the configuration may be anywhere in the repository.
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
                    "file or directory not found: {}",
                    path.display()
                ))
                .hint("pass the directory of your home-manager configuration, or its home.nix"));
            }
        }
        let config = env::var_os("XDG_CONFIG_HOME")
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
            .or(home.map(|home| home.join(".config")))
            .ok_or_else(|| {
                Problem::new(
                    "could not find the home directory: HOME is not set to an absolute path",
                )
            })?;
        for directory in ["home-manager", "nixpkgs"].map(|name| config.join(name)) {
            for name in ["home.nix", "flake.nix"] {
                let file = directory.join(name);
                if !fsio::exists(&file) {
                    continue;
                }
                // Dotfiles are often links into a repository; Nix follows them as well.
                let real = fsio::link_target(&file).unwrap_or(file);
                let real = real.parent().unwrap_or(&directory).to_owned();
                return Ok(Self::at(real));
            }
        }
        Err(Problem::new(format!(
            "no home-manager configuration in {}",
            config.join("home-manager").display()
        ))
        .hint(
            "pass its directory: sccfg home DIR, such as /etc/nixos or your dotfiles; \
             to create one: nix run home-manager -- init",
        ))
    }

    fn at(root: PathBuf) -> Self {
        Self {
            directory: Repository { root },
            module: None,
        }
    }

    /// The Nix files, relative to the directory; second, those that `sccfg home` generated.
    pub(super) fn files(&self) -> (Vec<PathBuf>, Vec<PathBuf>) {
        let ignored = |name: &str| matches!(name, ".git" | "target" | "result" | "node_modules");
        let walk = ignore::WalkBuilder::new(&self.directory.root)
            .hidden(false)
            .max_depth(Some(MAX_DEPTH))
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
            .take(MAX_FILES)
            .collect();
        files.sort();
        files.into_iter().partition(|file| !self.is_generated(file))
    }

    fn is_generated(&self, file: &Path) -> bool {
        file.file_name()
            .is_some_and(|name| name == super::NAME || name == super::HIDDEN_NAME)
            && matches!(self.directory.read(file), Ok(Some(text)) if generated::is_ours(Generator::Home, &text))
    }
}

/// The module to edit.
pub(super) fn choose(
    configuration: &Configuration,
    found: &Found,
    options: &HomeOptions,
) -> Result<Module, Problem> {
    let root = configuration.directory.root.display();
    let is_selected = |module: &&Module| match (&options.user, &options.configuration) {
        (None, None) => true,
        (user, name) => {
            let is = |kind: ModuleKind, name: &Option<String>| {
                name.is_some() && module.kind == kind && module.name == *name
            };
            is(ModuleKind::User, user) || is(ModuleKind::Configuration, name)
        }
    };
    let selected: Vec<&Module> = found.modules.iter().filter(is_selected).collect();
    let is_same = |one: &Module, other: &Module| one.file == other.file && one.range == other.range;
    let one_of = |modules: &[&Module]| match modules {
        [first, rest @ ..] if rest.iter().all(|other| is_same(first, other)) => {
            Some((*first).clone())
        }
        _ => None,
    };
    if let Some(module) = one_of(&selected) {
        return Ok(module);
    }
    // Of several, the one of the current user.
    if let Some(user) = env::var("USER").filter(|user| !user.is_empty()) {
        let own: Vec<&Module> = selected
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
    if selected.is_empty() {
        let problem = Problem::new(match found.modules.as_slice() {
            [] => format!("no home-manager configuration in {root}"),
            _ => format!("no home of that name in {root}"),
        });
        let hint = match (found.modules.as_slice(), found.collected.as_slice()) {
            ([], collected) => {
                let mut files: Vec<&Path> = collected
                    .iter()
                    .map(|module| module.file.as_path())
                    .collect();
                files.dedup();
                pass_one_of(configuration, &files)
                    .unwrap_or_else(|| "pass the module: sccfg home DIR/home.nix".to_owned())
            }
            (modules, _) => format!("available: {}", names(modules)),
        };
        return Err(problem.hint(hint));
    }
    Err(
        Problem::new(format!("several home-manager configurations in {root}"))
            .hint(ways_to_select(configuration, &selected)),
    )
}

/// How to select each of several modules: by an option where its name is the only one, otherwise by its file.
fn ways_to_select(configuration: &Configuration, modules: &[&Module]) -> String {
    let is_other =
        |one: &Module, other: &Module| one.file != other.file || one.range != other.range;
    let (shared, named): (Vec<&Module>, Vec<&Module>) =
        modules.iter().copied().partition(|module| {
            let option = option(module);
            let mut others = modules.iter();
            option.is_none()
                || others.any(|other| self::option(other) == option && is_other(module, other))
        });
    let mut options: Vec<String> = named.into_iter().filter_map(option).collect();
    options.dedup();
    let mut files: Vec<&Path> = shared.iter().map(|module| module.file.as_path()).collect();
    files.sort();
    files.dedup();
    let by_option = format!("select one: {}", options.join(", "));
    if let ([file], true) = (files.as_slice(), options.is_empty()) {
        return format!(
            "move one of them out of {} to a file, and pass that: sccfg home FILE",
            file.display()
        );
    }
    let by_file = pass_one_of(configuration, &files);
    match (options.is_empty(), by_file) {
        (_, None) => by_option,
        (true, Some(by_file)) => by_file,
        (false, Some(by_file)) => format!("{by_option}; or {by_file}"),
    }
}

/// The command that gets one of several files.
fn pass_one_of(configuration: &Configuration, files: &[&Path]) -> Option<String> {
    let commands: Vec<String> = files
        .iter()
        // It stands for the whole directory.
        .filter(|file| **file != Path::new("flake.nix"))
        .map(|file| quote(&configuration.directory.path(file).to_string_lossy()))
        .collect();
    let (named, others) = commands.split_at(commands.len().min(MAX_NAMED));
    let more = match others.len() {
        0 => String::new(),
        more => format!(" or {more} other files"),
    };
    let named = named.join(" or ");
    (!named.is_empty()).then(|| format!("pass the file of one: sccfg home {named}{more}"))
}

/// The option that selects a module by its name.
fn option(module: &Module) -> Option<String> {
    let name = module.name.as_ref()?;
    match module.kind {
        ModuleKind::Configuration => Some(format!("--config {}", quote(name))),
        ModuleKind::User => Some(format!("--user {}", quote(name))),
        ModuleKind::File => None,
    }
}

/// The option or file that selects each of the modules.
fn names(modules: &[Module]) -> String {
    let mut names: Vec<String> = Vec::new();
    for module in modules {
        let name = option(module);
        let name = name.unwrap_or_else(|| format!("the file {}", module.file.display()));
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names.join(", ")
}
