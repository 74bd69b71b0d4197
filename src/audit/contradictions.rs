//! Contradictions between repositories, and with the machine's configuration.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Result;

use super::Audited;
use super::settings::{self, DIR, SIZE};
use crate::config_file::ConfigFile;
use crate::doctor::{
    Check, Diagnosis, Finding, REPLACED_TABLE, REQUEST, Remedy, Where, examine_users_files, request,
};
use sccache_control::config::effective::{EffectiveDisk, effective};
use sccfg_util::size::ByteSize;

/// Repositories without a policy set different sizes or directories.
static DIFFERENT: Check = Check::of_audit(
    "S070",
    "different cache settings",
    "the server keeps the settings of the shell that started it, whichever project is built",
);

/// The checks of `audit` that `doctor` does not have.
pub(crate) static CHECKS: [&Check; 1] = [&DIFFERENT];

/// sccache's config file on this machine.
#[derive(Debug)]
pub(super) struct Machine {
    config: PathBuf,
    /// The table `[cache.disk]`, if the file has one.
    disk: Option<EffectiveDisk>,
}

impl Machine {
    /// Reads the file. If it cannot be read, `doctor` reports that.
    ///
    /// # Errors
    /// If there is no home directory.
    pub(super) fn read() -> Result<Self> {
        let lookup = sccache_control::config::path::Lookup::from_environment()?;
        let config = sccache_control::config::path::user_config(&lookup);
        let disk = ConfigFile::load().ok().and_then(|file| {
            let variables = BTreeMap::new();
            let text = file.text.as_deref();
            let effective = effective(text, &file.path, &variables, &file.default_dir).ok()?;
            Some(effective.disk).filter(|disk| disk.is_set)
        });
        Ok(Self { config, disk })
    }
}

/// Problems that concern every repository: the largest requested size, and the user's own files.
pub(super) fn of_machine(repositories: &[Audited]) -> Vec<Diagnosis> {
    let requests = repositories.iter().filter_map(|audited| {
        let size = audited.policy()?.cache.size?;
        Some((size, audited))
    });
    let largest = requests.max_by_key(|(size, _)| *size);
    let largest = largest.and_then(|(_, audited)| {
        let mut finding = request(&audited.files)?;
        finding.what = format!("{}: {}", audited.root().display(), finding.what);
        Some(Diagnosis {
            check: &REQUEST,
            finding,
        })
    });
    let of_users = if repositories.iter().any(Audited::uses_sccache) {
        examine_users_files()
    } else {
        Vec::new()
    };
    largest.into_iter().chain(of_users).collect()
}

/// Adds findings about cache settings in repositories without a policy.
pub(super) fn compare(repositories: &mut [Audited], machine: &Machine) {
    for name in [SIZE, DIR] {
        let values: Vec<Option<String>> = repositories
            .iter()
            .map(|audited| value(audited, name))
            .collect();
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for value in values.iter().flatten() {
            *counts.entry(value).or_default() += 1;
        }
        for (audited, value) in repositories.iter_mut().zip(&values) {
            let (Some(value), Some(set)) = (value, settings::named(&audited.own, name)) else {
                continue;
            };
            let place = Where::File(set.place.clone());
            let remedy = Remedy::Command("sccfg init".to_owned());
            if let Some(disk) = &machine.disk {
                if is_machines(name, value, disk) {
                    continue;
                }
                let what = format!(
                    "{name}={value} in the dev shell replaces [cache.disk] of {}, which has {}",
                    machine.config.display(),
                    shown(name, disk)
                );
                let finding = Finding::warning(what, remedy).at(place);
                audited.add(&REPLACED_TABLE, [finding]);
                continue;
            }
            let others: Vec<String> = counts
                .iter()
                .filter(|(other, _)| **other != value.as_str())
                .map(|(other, count)| match count {
                    1 => format!("{other} in another repository"),
                    more => format!("{other} in {more} other repositories"),
                })
                .collect();
            if !others.is_empty() {
                let what = format!("{name} is {value} here, and {}", others.join(", "));
                audited.add(&DIFFERENT, [Finding::warning(what, remedy).at(place)]);
            }
        }
    }
}

/// The value of a variable in a repository without a policy, if it is no expression and sccache accepts it.
fn value(audited: &Audited, name: &str) -> Option<String> {
    let set = settings::named(&audited.own, name)?;
    let value = settings::plain(&set.value)?;
    match name {
        SIZE => Some(ByteSize::parse_like_sccache(value)?.rounded()),
        _ => value.starts_with('/').then(|| value.to_owned()),
    }
}

/// Whether a value is the one of the machine's file.
fn is_machines(name: &str, value: &str, disk: &EffectiveDisk) -> bool {
    match name {
        SIZE => disk.size.value.rounded() == value,
        _ => disk.dir.value.as_path() == std::path::Path::new(value),
    }
}

fn shown(name: &str, disk: &EffectiveDisk) -> String {
    match name {
        SIZE => disk.size.value.rounded(),
        _ => disk.dir.value.display().to_string(),
    }
}
