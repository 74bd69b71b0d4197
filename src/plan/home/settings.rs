//! The settings in `sccache.nix`, the generated home-manager module. They are stored nowhere else, so
//! the module is read back.

use std::path::Path;

use crate::sccfg_toml::Incremental;
use anyhow::Result;
use nix_shell_edit::bindings::{Literal, bindings};
use nix_shell_edit::quote;
use sccache_control::config::{edit, file};
use sccfg_util::problem::Problem;

const SIZE: &str = "cache.disk.size";
const DIR: &str = "cache.disk.dir";

/// The settings of `sccfg home`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Settings {
    /// The text of sccache's config file.
    pub(super) config: String,
    /// The policy outside of dev shells; `None` to use sccache only in dev shells.
    pub(super) incremental: Option<Incremental>,
}

/// The options that the module sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Those of home-manager: files, packages, variables.
    Plain,
    /// Those of sccfg's module, `programs.sccache`.
    Module,
}

impl Settings {
    /// The text of the module.
    ///
    /// # Errors
    /// If the template is faulty, or sccache would refuse `config`.
    pub(super) fn render(&self, form: Form) -> Result<String> {
        let path = Path::new("config");
        let mut config = self.config.clone();
        let disk = file::disk(&config, path)?;
        if form == Form::Module {
            for key in [SIZE, DIR] {
                if let Some(rest) = edit::unset(&config, path, key)? {
                    config = rest;
                }
            }
            if !has_values(&config) {
                config.clear();
            }
        }
        let dir = disk.dir.as_ref().and_then(|dir| dir.to_str());
        let indent = match form {
            Form::Plain => 4,
            Form::Module => 6,
        };
        sccfg_templates::render(
            sccfg_templates::HOME,
            serde_json::json!({
                "module": form == Form::Module,
                "size": disk.size.map(|size| size.to_string()),
                "dir": dir.map(quote::string),
                "toml": quote::indented(&config, indent),
                "incremental": self.incremental.map(Incremental::name),
            }),
        )
    }

    /// Reads a module that [`Self::render`] returned, possibly edited since. `None` if that is not
    /// possible.
    pub(super) fn read(path: &Path, text: &str) -> Option<Self> {
        let mut config = None;
        let mut shortcuts: Vec<(&str, String)> = Vec::new();
        let mut incremental = None;
        for binding in bindings(path, text)? {
            let names: Vec<&str> = binding.names.iter().map(String::as_str).collect();
            match (names.as_slice(), binding.value) {
                (["text"], Literal::Text(text)) | (["settings"], Literal::FromToml(text)) => {
                    config = Some(text);
                }
                (["settings"], Literal::Other) => return None,
                (["cache", "size"], Literal::Text(size)) => shortcuts.push((SIZE, size)),
                (["cache", "dir"], Literal::Text(dir)) => shortcuts.push((DIR, dir)),
                (["RUSTC_WRAPPER"], _) => {
                    incremental = incremental.or(Some(Incremental::Workspace));
                }
                (["CARGO_INCREMENTAL"], Literal::Text(_)) => incremental = Some(Incremental::Off),
                (["incremental"], Literal::Text(policy)) => {
                    incremental = Incremental::ALL
                        .into_iter()
                        .find(|incremental| incremental.name() == policy);
                }
                _ => {}
            }
        }
        if config.is_none() && shortcuts.is_empty() {
            return None;
        }
        let settings = shortcuts
            .iter()
            .map(|(key, value)| (*key, value.as_str()))
            .collect::<Vec<_>>();
        Some(Self {
            config: edit::set(&config.unwrap_or_default(), Path::new("config"), &settings).ok()?,
            incremental,
        })
    }

    /// The settings with another size or directory of the disk cache.
    ///
    /// # Errors
    /// If sccache would refuse the result.
    pub(super) fn with(&self, size: Option<String>, dir: Option<String>) -> Result<Self, Problem> {
        let changes = [(SIZE, size), (DIR, dir)];
        let settings: Vec<(&str, &str)> = changes
            .iter()
            .filter_map(|(key, value)| Some((*key, value.as_deref()?)))
            .collect();
        Ok(Self {
            config: edit::set(&self.config, Path::new("config"), &settings)?,
            ..self.clone()
        })
    }
}

/// Whether TOML text sets any value; an empty table does not.
fn has_values(text: &str) -> bool {
    fn any(table: &dyn toml_edit::TableLike) -> bool {
        table
            .iter()
            .any(|(_, item)| item.as_table_like().map_or(!item.is_none(), any))
    }
    text.parse::<toml_edit::DocumentMut>()
        .is_ok_and(|document| any(document.as_table()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = "# ours\nserver_startup_timeout_ms = 20000\n\n[cache.disk]\n\
                          size = 25769803776 # ''${x} '' $\ndir = \"/data/${cache} dir\"\n";

    #[test]
    fn what_is_rendered_reads_back() {
        let path = Path::new("sccache.nix");
        for incremental in [None, Some(Incremental::Off), Some(Incremental::Workspace)] {
            let settings = Settings {
                config: CONFIG.to_owned(),
                incremental,
            };
            let text = settings.render(Form::Plain).unwrap();
            assert_eq!(
                Settings::read(path, &text).as_ref(),
                Some(&settings),
                "{text}"
            );

            let text = settings.render(Form::Module).unwrap();
            assert!(text.contains("cache.size = \"24GiB\";"), "{text}");
            let read = Settings::read(path, &text).unwrap();
            assert_eq!(read.incremental, incremental);
            let disk = |config: &str| file::disk(config, path).unwrap();
            assert_eq!(disk(&read.config), disk(CONFIG), "{}", read.config);
            assert!(
                read.config
                    .contains("# ours\nserver_startup_timeout_ms = 20000")
            );
            assert_eq!(read.render(Form::Module).unwrap(), text);
        }
    }

    #[test]
    fn settings_are_omitted_if_options_cover_them() {
        let settings = Settings {
            config: "[cache.disk]\nsize = 1073741824\n".to_owned(),
            incremental: None,
        };
        let text = settings.render(Form::Module).unwrap();
        assert!(!text.contains("settings"), "{text}");
        assert_eq!(
            Settings::read(Path::new("sccache.nix"), &text)
                .unwrap()
                .render(Form::Module)
                .unwrap(),
            text
        );
    }
}
