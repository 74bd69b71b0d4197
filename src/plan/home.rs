//! `sccfg home`: sccache in a user's home-manager configuration.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::generated::{self, Maker};
use super::{Plan, Repository, What};
use crate::config::size::ByteSize;
use crate::config::{check, keys, sccache};
use crate::flake::Sources as _;
use crate::flake::home::{self, Form, Found, Module, Of, Settings};
use crate::policy::Incremental;
use crate::problem::{Place, Problem};
use crate::{env, fsio};

/// The module that is made.
const NAME: &str = "sccache.nix";
/// What sccache takes where nothing says otherwise (`default_disk_cache_size` in its `config.rs`).
const DEFAULT_SIZE: &str = "10GiB";
/// How many files and folders of a configuration are looked at.
const MOST_FILES: usize = 5_000;
const DEEPEST: usize = 10;

/// What is asked of `home`.
#[derive(Debug, Clone, Default)]
pub struct Home {
    /// The size of the cache on the disk.
    pub size: Option<ByteSize>,
    /// The folder of the cache.
    pub cache_dir: Option<PathBuf>,
    /// Whether cargo uses sccache outside of dev shells, and how it compiles then.
    pub incremental: Option<Incremental>,
    /// Which user's configuration, of several.
    pub user: Option<String>,
    /// Which of several `homeConfigurations`.
    pub configuration: Option<String>,
    /// Whether to take a config file over that home-manager would not overwrite.
    pub take_over: bool,
}

/// A folder with a home-manager configuration.
#[derive(Debug, Clone)]
pub struct Configuration {
    folder: Repository,
    /// The module, where it was named.
    module: Option<PathBuf>,
}

impl Configuration {
    /// The configuration in `named`, a folder or a module; else the one that home-manager itself
    /// takes, in `~/.config/home-manager` or `~/.config/nixpkgs`.
    ///
    /// # Errors
    /// When there is none.
    pub fn locate(named: Option<&Path>, start: &Path) -> Result<Self, Problem> {
        let home = env::home_dir();
        if let Some(named) = named {
            let path: PathBuf = start.join(named).components().collect();
            // A whole home is not a configuration, though it may hold one.
            if path.is_dir() && home.as_ref() != Some(&path) {
                return Ok(Self::at(path));
            }
            if let (true, Some(folder), Some(name)) =
                (path.is_file(), path.parent(), path.file_name())
            {
                if name == "flake.nix" {
                    return Ok(Self::at(folder.to_owned()));
                }
                // What else there is to know stands in the whole repository.
                let has = |folder: &&Path, name: &str| fsio::exists(&folder.join(name));
                let root = folder
                    .ancestors()
                    .take_while(|above| Some(*above) != home.as_deref())
                    .find(|above| has(above, ".git") || has(above, "flake.nix"))
                    .unwrap_or(folder);
                return Ok(Self {
                    module: path.strip_prefix(root).ok().map(Path::to_owned),
                    ..Self::at(root.to_owned())
                });
            }
            if !path.is_dir() {
                return Err(
                    Problem::new(format!("there is no folder or file {}", path.display())).hint(
                        "name the folder of your home-manager configuration, or its home.nix",
                    ),
                );
            }
        }
        let config = env::var_os("XDG_CONFIG_HOME")
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
            .or(home.map(|home| home.join(".config")))
            .ok_or_else(|| Problem::new("finding the home folder: HOME is not set"))?;
        for folder in ["home-manager", "nixpkgs"].map(|name| config.join(name)) {
            for name in ["home.nix", "flake.nix"] {
                let file = folder.join(name);
                if !fsio::exists(&file) {
                    continue;
                }
                // Dotfiles are often links to where they are kept; Nix follows them as well.
                let real = fsio::link_target(&file).unwrap_or(file);
                let real = real.parent().unwrap_or(&folder).to_owned();
                return Ok(Self::at(real));
            }
        }
        Err(Problem::new(format!(
            "there is no home-manager configuration in {}",
            config.join("home-manager").display()
        ))
        .hint(
            "name its folder: sccfg home DIR, such as /etc/nixos or your dotfiles; \
             a new one: nix run home-manager -- init",
        ))
    }

    fn at(root: PathBuf) -> Self {
        Self {
            folder: Repository { root },
            module: None,
        }
    }

    /// The Nix files, relative to the folder; those that `sccfg home` made apart.
    fn files(&self) -> (Vec<PathBuf>, Vec<PathBuf>) {
        let ignored = |name: &str| matches!(name, ".git" | "target" | "result" | "node_modules");
        let walk = ignore::WalkBuilder::new(&self.folder.root)
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
                let path = entry.path().strip_prefix(&self.folder.root).ok()?;
                Some(path.to_owned())
            })
            .take(MOST_FILES)
            .collect();
        files.sort();
        files.into_iter().partition(|file| !self.is_made(file))
    }

    fn is_made(&self, file: &Path) -> bool {
        file.file_name().is_some_and(|name| name == NAME)
            && matches!(self.folder.read(file), Ok(Some(text)) if generated::is_ours(Maker::Home, &text))
    }
}

/// Plans the module and its place in the imports.
///
/// # Errors
/// When it cannot be told whose configuration is meant, when the imports cannot be edited safely,
/// and when home-manager would refuse the result. Nothing is changed then.
pub fn home(configuration: &Configuration, wanted: &Home) -> Result<Plan> {
    let folder = &configuration.folder;
    let mut plan = Plan::new(&folder.root);
    let (files, _) = configuration.files();
    let found = home::find(folder, &files);
    if let Some(rival) = found.rivals.first() {
        return Err(
            Problem::new("home-manager gets sccache's settings from here already")
                .at(rival.clone())
                .hint("change them there; or take them out, and run sccfg home again")
                .into(),
        );
    }
    let module = match &configuration.module {
        Some(file) => {
            let mut here = home::find(folder, std::slice::from_ref(file));
            here.modules.retain(|module| module.of != Of::File);
            // Of a system's configuration, the part about a user is meant.
            if here.modules.is_empty() {
                Module::file(file)
            } else {
                choose(configuration, &here, wanted)?
            }
        }
        None => choose(configuration, &found, wanted)?,
    };
    let beside = module.file.parent().unwrap_or(Path::new(""));
    let made = beside.join(NAME);
    let form = if found.has_module {
        Form::Module
    } else {
        Form::Plain
    };
    let before = folder.read_file(&made)?;
    let taken_over = take_over(&mut plan, &module, before.is_some(), wanted)?;
    let after = module_text(&made, before.as_deref(), taken_over, form, wanted)?;
    let imported = home::import(folder, &module, &format!("./{NAME}"))?;
    let summary = match form {
        Form::Plain => "sccache's config file",
        Form::Module => "programs.sccache",
    };
    let is_new = before.is_none();
    plan.change(What::Nix, folder.path(&made), before, Some(after), summary);
    if let Some(file) = imported {
        let path = folder.path(&file.path);
        let summary = format!("imports ./{NAME}");
        plan.change(
            What::Nix,
            path,
            Some(file.before),
            Some(file.after),
            summary,
        );
    }
    if !plan.is_empty() {
        if is_new && folder.is_in_git() {
            plan.unknown_to_git = vec![made];
        }
        plan.next.push(next(configuration, &module));
    }
    Ok(plan)
}

/// Plans to take the module and its imports out again.
///
/// # Errors
/// When a file cannot be read, or a region is damaged.
pub fn remove_home(configuration: &Configuration) -> Result<Plan> {
    let folder = &configuration.folder;
    let mut plan = Plan::new(&folder.root);
    let (files, made) = configuration.files();
    for file in files {
        // What is no text cannot have a region.
        let Ok(Some(text)) = folder.read(&file) else {
            continue;
        };
        let stripped = home::strip(&file, &text)?;
        plan.change(
            What::Nix,
            folder.path(&file),
            Some(text),
            Some(stripped),
            "as it was",
        );
    }
    for file in made {
        let text = folder.read_file(&file)?;
        let untouched = text
            .as_deref()
            .is_some_and(|text| generated::is_untouched(Maker::Home, text));
        if !untouched {
            plan.warnings.push(
                Problem::new(format!(
                    "{} was made by sccfg, but was edited since: it stays, imported by nothing",
                    file.display()
                ))
                .hint("delete it by hand if you do not need it"),
            );
            continue;
        }
        let summary = "made by sccfg, never edited";
        plan.change(What::Nix, folder.path(&file), text, None, summary);
    }
    if plan.is_empty() {
        return Ok(plan);
    }
    plan.next
        .push("make it real: home-manager switch, or rebuild the system".to_owned());
    let backup = backup(&config_file()?);
    if fsio::exists(&backup) {
        plan.next.push(format!(
            "your own config file from before is {}",
            backup.display()
        ));
    }
    Ok(plan)
}

/// The module that is meant.
fn choose(configuration: &Configuration, found: &Found, wanted: &Home) -> Result<Module, Problem> {
    let root = configuration.folder.root.display();
    let is_meant = |module: &&Module| match (&wanted.user, &wanted.configuration) {
        (None, None) => true,
        (user, name) => {
            let is = |of: Of, wanted: &Option<String>| {
                wanted.is_some() && module.of == of && module.name == *wanted
            };
            is(Of::User, user) || is(Of::Configuration, name)
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

/// A name as a word for the shell: a computed one has its source for a name.
fn word(name: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "@._-".contains(c);
    if name.chars().all(is_plain) {
        name.to_owned()
    } else {
        format!("'{name}'")
    }
}

/// How each of the modules is asked for.
fn names(modules: &[Module]) -> String {
    let mut names: Vec<String> = modules
        .iter()
        .map(|module| match (module.of, &module.name) {
            (Of::Configuration, Some(name)) => format!("--config {}", word(name)),
            (Of::User, Some(name)) => format!("--user {}", word(name)),
            _ => format!("the file {}", module.file.display()),
        })
        .collect();
    names.dedup();
    names.join(", ")
}

/// sccache's config file, where home-manager writes it.
fn config_file() -> Result<PathBuf> {
    Ok(env::sccache_lookup()?.config_dir.join("config"))
}

fn backup(file: &Path) -> PathBuf {
    file.with_extension("backup")
}

/// The settings of a config file that stands in home-manager's way, and the plan to move it;
/// `None` where there is no such file.
fn take_over(
    plan: &mut Plan,
    module: &Module,
    is_made: bool,
    wanted: &Home,
) -> Result<Option<String>> {
    let is_own = match (&module.of, &module.name) {
        // A computed name may be anybody's.
        (Of::User, Some(name)) => {
            name.contains('$') || env::var("USER").is_none_or(|user| user == *name)
        }
        _ => true,
    };
    let path = config_file()?;
    // A link is home-manager's own, or leads to where somebody keeps the file.
    if !is_own || fsio::link_target(&path).is_some() {
        return Ok(None);
    }
    let Some(text) = fsio::read(&path)? else {
        return Ok(None);
    };
    if !wanted.take_over {
        return Err(InTheWay { path, is_made }.into());
    }
    refuse_secrets(&text, &path)?;
    if let Some(fault) = check::first_fault(&text, &path) {
        return Err(Problem {
            what: format!("sccache refuses this file: {}", fault.what),
            ..fault
        }
        .into());
    }
    let backup = backup(&path);
    let there = fsio::read(&backup)?;
    if there.as_ref().is_some_and(|there| *there != text) {
        return Err(
            Problem::new(format!("{} is there already", backup.display()))
                .hint("move it away, and run sccfg home --take-over again")
                .into(),
        );
    }
    let summary = "the config file as it was";
    plan.change(What::UserConfig, backup, there, Some(text.clone()), summary);
    let summary = "home-manager makes it again";
    plan.change(What::UserConfig, path, Some(text.clone()), None, summary);
    Ok(Some(text))
}

/// A config file that home-manager would not overwrite.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} is in the way: home-manager does not overwrite it", .path.display())]
pub struct InTheWay {
    /// The file.
    pub path: PathBuf,
    /// Whether sccfg has made a module before.
    pub is_made: bool,
}

impl InTheWay {
    /// The same as a problem, for whoever was not asked.
    pub fn problem(&self) -> Problem {
        Problem::new(self.to_string()).hint(format!(
            "take its values over, and move it to {}: sccfg home --take-over",
            backup(&self.path).display()
        ))
    }
}

/// Refuses what gives access to something: everybody can read the Nix store.
fn refuse_secrets(text: &str, path: &Path) -> Result<(), Problem> {
    for (name, key) in keys::all() {
        if !key.secret {
            continue;
        }
        let Ok(Some(item)) = sccache::get(text, path, &name) else {
            continue;
        };
        // An address is one only where it carries a password along.
        let value = sccache::written(&item);
        let is_address = ["endpoint", "cluster_endpoints", "url"].contains(&key.name);
        if is_address && !value.contains(['@', '?']) {
            continue;
        }
        let last = name.rsplit('.').next().unwrap_or(&name);
        let offset = text.find(last).unwrap_or(0);
        return Err(Problem::new(format!(
            "`{name}` must not get into the Nix store, which everybody can read"
        ))
        .at(Place::at(path, text, offset))
        .hint(format!(
            "give it to the server by an environment variable or a file of its own, and take it \
             out here: sccfg config unset {name}"
        )));
    }
    Ok(())
}

/// The text of the module.
fn module_text(
    made: &Path,
    before: Option<&str>,
    taken_over: Option<String>,
    form: Form,
    wanted: &Home,
) -> Result<String> {
    let size = wanted.size.map(|size| size.to_string());
    let dir = match &wanted.cache_dir {
        None => None,
        Some(dir) => Some(
            dir.to_str()
                .ok_or_else(|| Problem::new(format!("{} is not UTF-8", dir.display())))?
                .to_owned(),
        ),
    };
    let at = |what: String| Problem::new(what).at(Place::at(made, before.unwrap_or_default(), 0));
    let had = match before {
        None => None,
        Some(text) if !generated::is_ours(Maker::Home, text) => {
            return Err(at("this file is not one that sccfg made".to_owned())
                .hint(format!("give it another name; sccfg makes a {NAME} here"))
                .into());
        }
        Some(text) => Some((text, Settings::read(made, text))),
    };
    let new = Settings {
        config: "[cache.disk]\n".to_owned(),
        incremental: wanted.incremental,
    };
    let settings = match (taken_over, &had) {
        (Some(config), _) => Settings { config, ..new }.with(size, dir)?,
        (None, None) => new.with(size.or_else(|| Some(DEFAULT_SIZE.to_owned())), dir)?,
        (None, Some((_, Some(had)))) => Settings {
            incremental: wanted.incremental.or(had.incremental),
            ..had.with(size, dir)?
        },
        (None, Some((_, None))) => {
            return Err(at("what it says cannot be read any more".to_owned())
                .hint("delete it, and run sccfg home again")
                .into());
        }
    };
    if let Some((text, read)) = &had
        && !generated::is_untouched(Maker::Home, text)
    {
        return if read.as_ref() == Some(&settings) {
            Ok((*text).to_owned())
        } else {
            Err(at("this file was edited since sccfg made it".to_owned())
                .hint("change the values in it by hand, or delete it and run sccfg home again")
                .into())
        };
    }
    Ok(generated::with_header(Maker::Home, &settings.render(form)?))
}

/// How the change takes effect.
fn next(configuration: &Configuration, module: &Module) -> String {
    let folder = &configuration.folder;
    let is_flake = fsio::exists(&folder.path("flake.nix"));
    match (module.of, &module.name) {
        (Of::User, _) => {
            "make it real: rebuild the system, with nixos-rebuild or darwin-rebuild switch"
                .to_owned()
        }
        (Of::Configuration, Some(name)) if is_flake => format!(
            "make it real: home-manager switch --flake '{}#{name}'",
            folder.root.display()
        ),
        _ => "make it real: home-manager switch".to_owned(),
    }
}
