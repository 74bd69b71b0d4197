//! `sccfg home`: sets up sccache in a home-manager configuration.

mod locate;
mod settings;
mod take_over;

use std::path::{Path, PathBuf};

use anyhow::Result;

pub(crate) use locate::Configuration;
pub(crate) use take_over::ExistingConfig;

use self::locate::choose;
use self::settings::{Form, Settings};
use self::take_over::{backup, config_file, take_over};
use super::generated::{self, Generator};
use super::{FileKind, Plan};
use crate::sccfg_toml::Incremental;
use nix_shell_edit::Sources as _;
use nix_shell_edit::home::{self, Found, Listing, Module, ModuleKind, SessionVariable};
use sccache_control::config::effective::DEFAULT_SIZE;
use sccfg_util::fsio;
use sccfg_util::posix::quote;
use sccfg_util::problem::{Place, Problem};
use sccfg_util::size::ByteSize;

/// The file name of the generated module.
const NAME: &str = "sccache.nix";
/// The same in a directory of which import-tree or the like imports all other files, for example as
/// modules of flake-parts.
const HIDDEN_NAME: &str = "_sccache.nix";

/// Options of `sccfg home`.
#[derive(Debug, Clone, Default)]
pub(crate) struct HomeOptions {
    /// The size of the disk cache.
    pub size: Option<ByteSize>,
    /// The directory of the cache.
    pub cache_dir: Option<PathBuf>,
    /// The policy outside of dev shells; `None` to use sccache only in dev shells.
    pub incremental: Option<Incremental>,
    /// The user, if several are configured.
    pub user: Option<String>,
    /// The name in `homeConfigurations`.
    pub configuration: Option<String>,
    /// Whether to copy and move away a config file that home-manager would not overwrite.
    pub take_over: bool,
}

/// Plans to generate the module and to import it.
///
/// # Errors
/// If the configuration is ambiguous, if the imports cannot be edited safely, or if home-manager would
/// refuse the result.
pub(crate) fn home(configuration: &Configuration, options: &HomeOptions) -> Result<Plan> {
    let directory = &configuration.directory;
    let mut plan = Plan::new(&directory.root);
    let (files, _) = configuration.files();
    let found = home::find(directory, &files);
    if let Some(damaged) = &found.damaged {
        return Err(damaged.clone().into());
    }
    if let Some(rival) = found.rivals.first() {
        return Err(Problem::new("sccache is already configured here")
            .at(rival.clone())
            .hint("edit it here, or remove it and run `sccfg home` again")
            .into());
    }
    let module = match &configuration.module {
        Some(file) => {
            let mut here = home::find(directory, std::slice::from_ref(file));
            here.modules
                .retain(|module| module.kind != ModuleKind::File || module.range.is_some());
            if here.modules.is_empty() {
                here.modules = std::mem::take(&mut here.collected);
            }
            // In a system configuration, the part of a user; in a file of flake-parts, the module in it.
            if here.modules.is_empty() {
                Module::file(file)
            } else {
                choose(configuration, &here, options)?
            }
        }
        None => choose(configuration, &found, options)?,
    };
    let beside = module.file.parent().unwrap_or(Path::new(""));
    let listing = found.listings.iter().find(|listing| listing.lists(beside));
    let name = file_name(&found, beside, listing);
    let made = beside.join(name);
    let form = if found.has_module {
        Form::Module
    } else {
        Form::Plain
    };
    let before = directory.read_file(&made)?;
    let taken_over = take_over(&mut plan, &module, options)?;
    let after = module_text(&made, before.as_deref(), taken_over, form, options)?;
    if form == Form::Plain {
        // The options of sccfg's module are checked by that module.
        let warnings = found.variables.iter();
        (plan.warnings)
            .extend(warnings.filter_map(|variable| contradiction(variable, name, &after)));
    }
    if let Some(listing) = listing.filter(|listing| !listing.is_filtered) {
        plan.warnings.push(listed(listing, &made));
    }
    let imported = home::import(directory, &module, &format!("./{name}"))?;
    let summary = match form {
        Form::Plain => "sccache's config file",
        Form::Module => "programs.sccache",
    };
    let is_new = before.is_none();
    plan.change(
        FileKind::Nix,
        directory.path(&made),
        before,
        Some(after),
        summary,
    );
    if let Some(file) = imported {
        let path = directory.path(&file.path);
        let summary = format!("imports ./{name}");
        plan.change(
            FileKind::Nix,
            path,
            Some(file.before),
            Some(file.after),
            summary,
        );
    }
    if !plan.is_empty() {
        if is_new && directory.is_in_git() {
            plan.untracked = vec![made];
        }
        plan.next.push(next(configuration, &module, &found));
    }
    Ok(plan.checked()?)
}

/// Plans to remove the module and its imports.
///
/// # Errors
/// If a file cannot be read, or a region is damaged.
pub(crate) fn remove_home(configuration: &Configuration) -> Result<Plan> {
    let directory = &configuration.directory;
    let mut plan = Plan::new(&directory.root);
    let (files, made) = configuration.files();
    for file in files {
        // A file that is not text has no region.
        let Ok(Some(text)) = directory.read(&file) else {
            continue;
        };
        let Some(without) = home::remove_regions(&file, &text)? else {
            continue;
        };
        plan.change(
            FileKind::Nix,
            directory.path(&file),
            Some(text),
            Some(without),
            "restored",
        );
    }
    for file in made {
        let text = directory.read_file(&file)?;
        let untouched = text
            .as_deref()
            .is_some_and(|text| generated::is_untouched(Generator::Home, text));
        if !untouched {
            plan.warnings.push(
                Problem::new(format!(
                    "{} was generated by sccfg and edited since; it is not deleted, but no longer imported",
                    file.display()
                ))
                .hint("delete it if you do not need it"),
            );
            continue;
        }
        let summary = "generated by sccfg, not edited";
        plan.change(FileKind::Nix, directory.path(&file), text, None, summary);
    }
    if plan.is_empty() {
        return Ok(plan);
    }
    plan.next
        .push("activate it: home-manager switch, or rebuild the system".to_owned());
    let backup = backup(&config_file()?);
    if fsio::exists(&backup) {
        plan.next
            .push(format!("your previous config file is {}", backup.display()));
    }
    Ok(plan.checked()?)
}

/// The name of the module that is generated in a directory.
fn file_name(found: &Found, directory: &Path, listing: Option<&Listing>) -> &'static str {
    let below = |tree: &PathBuf| directory.strip_prefix(tree).ok();
    let mut below = found.imported_trees.iter().filter_map(below);
    if listing.is_some() || below.any(|path| !home::is_ignored_by_import_tree(path)) {
        HIDDEN_NAME
    } else {
        NAME
    }
}

/// The warning of a call that may import the generated module as a module of NixOS or flake-parts.
fn listed(listing: &Listing, made: &Path) -> Problem {
    Problem::new(format!(
        "this lists the files of the directory of {}, which is only a module of home-manager",
        made.display()
    ))
    .hint("if other modules are imported by it, leave out file names that begin with `_`")
    .at(listing.place.clone())
}

fn module_text(
    made: &Path,
    before: Option<&str>,
    taken_over: Option<String>,
    form: Form,
    options: &HomeOptions,
) -> Result<String> {
    let size = options.size.map(|size| size.to_string());
    let dir = match &options.cache_dir {
        None => None,
        Some(dir) => Some(
            dir.to_str()
                .ok_or_else(|| Problem::new(format!("{} is not UTF-8", dir.display())))?
                .to_owned(),
        ),
    };
    let at = |what: String| Problem::new(what).at(Place::at(made, before.unwrap_or_default(), 0));
    let previous = match before {
        None => None,
        Some(text) if !generated::is_ours(Generator::Home, text) => {
            return Err(at("this file was not generated by sccfg".to_owned())
                .hint("rename it; sccfg generates a file of this name here")
                .into());
        }
        Some(text) => Some((text, Settings::read(made, text))),
    };
    let new = Settings {
        config: "[cache.disk]\n".to_owned(),
        incremental: options.incremental,
    };
    let settings = match (taken_over, &previous) {
        (Some(config), _) => Settings { config, ..new }.with(size, dir)?,
        (None, None) => new.with(size.or_else(|| Some(DEFAULT_SIZE.to_string())), dir)?,
        (None, Some((_, Some(previous)))) => Settings {
            incremental: options.incremental.or(previous.incremental),
            ..previous.with(size, dir)?
        },
        (None, Some((_, None))) => {
            return Err(at("could not read the settings in this file".to_owned())
                .hint("delete it, and run `sccfg home` again")
                .into());
        }
    };
    if let Some((text, read)) = &previous
        && !generated::is_untouched(Generator::Home, text)
    {
        return if read.as_ref() == Some(&settings) {
            Ok((*text).to_owned())
        } else {
            Err(
                at("this file was edited since sccfg generated it".to_owned())
                    .hint("edit the values in it, or delete it and run `sccfg home` again")
                    .into(),
            )
        };
    }
    Ok(generated::with_header(
        Generator::Home,
        &settings.render(form)?,
    ))
}

/// The warning of a variable that the configuration sets in all sessions, if it contradicts the
/// generated module.
fn contradiction(variable: &SessionVariable, made: &str, module: &str) -> Option<Problem> {
    let SessionVariable { name, value, .. } = variable;
    let problem = match name.as_str() {
        "SCCACHE_CACHE_SIZE" | "SCCACHE_DIR" => Problem::new(format!(
            "{name} is set here, so sccache ignores [cache.disk] of its config file, except in dev shells of sccfg"
        ))
        .hint("remove it; options of `sccfg home` set both in the config file: --size, --cache-dir"),
        _ => {
            let is_set_twice = variable.of_home
                && module.contains(&format!(" {name} = "))
                && !module.contains(&format!(" {name} = {value};"));
            is_set_twice.then(|| {
                Problem::new(format!(
                    "{name} has another value here than in {made}, which home-manager refuses"
                ))
                .hint("remove it here")
            })?
        }
    };
    Some(problem.at(variable.place.clone()))
}

/// The step that activates the change.
fn next(configuration: &Configuration, module: &Module, found: &Found) -> String {
    let directory = &configuration.directory;
    let is_flake = fsio::exists(&directory.path("flake.nix"));
    // A file that was named may be the module of a home.
    let mut modules = found.modules.iter();
    let module = modules
        .find(|other| module.kind == ModuleKind::File && other.file == module.file)
        .unwrap_or(module);
    let rebuild = "nixos-rebuild switch, or darwin-rebuild switch";
    let by_flake = |name: &str| {
        let reference = quote(&format!("{}#{name}", directory.root.display()));
        format!("home-manager switch --flake {reference}")
    };
    let command = match (module.kind, &module.name) {
        (ModuleKind::User, _) => rebuild.to_owned(),
        (ModuleKind::Configuration, Some(name)) if is_flake && name.contains("${") => {
            format!("{}, where NAME is that of your home", by_flake("NAME"))
        }
        (ModuleKind::Configuration, Some(name)) if is_flake => by_flake(name),
        _ if found.in_system && found.alone => {
            format!("home-manager switch; if it is a module of your system: {rebuild}")
        }
        _ if found.in_system => rebuild.to_owned(),
        _ => "home-manager switch".to_owned(),
    };
    format!("activate it: {command}")
}
