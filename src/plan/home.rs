//! `sccfg home`: sccache in a user's home-manager configuration.

mod locate;
mod settings;
mod take_over;

use std::path::{Path, PathBuf};

use anyhow::Result;

pub(crate) use locate::Configuration;
pub(crate) use take_over::InTheWay;

use self::locate::choose;
use self::settings::{Form, Settings};
use self::take_over::{backup, config_file, take_over};
use super::generated::{self, Maker};
use super::{Plan, What};
use crate::sccfg_toml::Incremental;
use nix_shell_edit::Sources as _;
use nix_shell_edit::home::{self, Module, ModuleKind};
use sccache_control::config::effective::DEFAULT_SIZE;
use sccfg_util::fsio;
use sccfg_util::posix::quote;
use sccfg_util::problem::{Place, Problem};
use sccfg_util::size::ByteSize;

/// The module that is made.
const NAME: &str = "sccache.nix";

/// What is asked of `home`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Home {
    /// The size of the cache on the disk.
    pub size: Option<ByteSize>,
    /// The directory of the cache.
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

/// Plans the module and its place in the imports.
///
/// # Errors
/// When it cannot be told whose configuration is meant, when the imports cannot be edited safely,
/// and when home-manager would refuse the result. Nothing is changed then.
pub(crate) fn home(configuration: &Configuration, wanted: &Home) -> Result<Plan> {
    let directory = &configuration.directory;
    let mut plan = Plan::new(&directory.root);
    let (files, _) = configuration.files();
    let found = home::find(directory, &files);
    if let Some(damaged) = found.damaged {
        return Err(damaged.into());
    }
    if let Some(rival) = found.rivals.first() {
        return Err(Problem::new("sccache is configured here already")
            .at(rival.clone())
            .hint("change them there; or take them out, and run sccfg home again")
            .into());
    }
    let module = match &configuration.module {
        Some(file) => {
            let mut here = home::find(directory, std::slice::from_ref(file));
            here.modules
                .retain(|module| module.kind != ModuleKind::File);
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
    let before = directory.read_file(&made)?;
    let taken_over = take_over(&mut plan, &module, wanted)?;
    let after = module_text(&made, before.as_deref(), taken_over, form, wanted)?;
    let imported = home::import(directory, &module, &format!("./{NAME}"))?;
    let summary = match form {
        Form::Plain => "sccache's config file",
        Form::Module => "programs.sccache",
    };
    let is_new = before.is_none();
    plan.change(
        What::Nix,
        directory.path(&made),
        before,
        Some(after),
        summary,
    );
    if let Some(file) = imported {
        let path = directory.path(&file.path);
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
        if is_new && directory.is_in_git() {
            plan.unknown_to_git = vec![made];
        }
        plan.next.push(next(configuration, &module));
    }
    Ok(plan.checked()?)
}

/// Plans to take the module and its imports out again.
///
/// # Errors
/// When a file cannot be read, or a region is damaged.
pub(crate) fn remove_home(configuration: &Configuration) -> Result<Plan> {
    let directory = &configuration.directory;
    let mut plan = Plan::new(&directory.root);
    let (files, made) = configuration.files();
    for file in files {
        // What is no text cannot have a region.
        let Ok(Some(text)) = directory.read(&file) else {
            continue;
        };
        let Some(without) = home::remove_regions(&file, &text)? else {
            continue;
        };
        plan.change(
            What::Nix,
            directory.path(&file),
            Some(text),
            Some(without),
            "as it was",
        );
    }
    for file in made {
        let text = directory.read_file(&file)?;
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
        plan.change(What::Nix, directory.path(&file), text, None, summary);
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
    Ok(plan.checked()?)
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
        (None, None) => new.with(size.or_else(|| Some(DEFAULT_SIZE.to_string())), dir)?,
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
    let directory = &configuration.directory;
    let is_flake = fsio::exists(&directory.path("flake.nix"));
    match (module.kind, &module.name) {
        (ModuleKind::User, _) => {
            "make it real: rebuild the system, with nixos-rebuild or darwin-rebuild switch"
                .to_owned()
        }
        (ModuleKind::Configuration, Some(name)) if is_flake => format!(
            "make it real: home-manager switch --flake {}",
            quote(&format!("{}#{name}", directory.root.display()))
        ),
        _ => "make it real: home-manager switch".to_owned(),
    }
}
