//! What sccache is to have in a user's home, and the module that says so: `sccache.nix`. The module
//! is the only place where it is kept, so it can be read back.

use std::path::Path;

use crate::sccfg_toml::Incremental;
use anyhow::Result;
use nix_shell_edit::bindings::{Literal, bindings};
use nix_shell_edit::quote;
use sccache_control::config::{edit, file};
use sccfg_util::problem::Problem;

const SIZE: &str = "cache.disk.size";
const DIR: &str = "cache.disk.dir";

/// What sccache is to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Settings {
    /// The text of sccache's config file.
    pub(super) config: String,
    /// Whether cargo uses sccache outside of dev shells as well, and how it compiles then.
    pub(super) incremental: Option<Incremental>,
}

/// Which options there are to say it with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// home-manager's own: files, packages, variables.
    Plain,
    /// Those of sccfg's module, `programs.sccache`.
    Module,
}

impl Settings {
    /// The text of a module that says this.
    ///
    /// # Errors
    /// When the template is defective, or `config` is nothing that sccache reads.
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

    /// What a module that [`Self::render`] gave says, also after somebody has edited it; `None`
    /// where that cannot be told any more.
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

    /// The same with another size or directory of the cache on the disk.
    ///
    /// # Errors
    /// When sccache would refuse the result.
    pub(super) fn with(&self, size: Option<String>, dir: Option<String>) -> Result<Self, Problem> {
        let wanted = [(SIZE, size), (DIR, dir)];
        let settings: Vec<(&str, &str)> = wanted
            .iter()
            .filter_map(|(key, value)| Some((*key, value.as_deref()?)))
            .collect();
        Ok(Self {
            config: edit::set(&self.config, Path::new("config"), &settings)?,
            ..self.clone()
        })
    }
}

/// Whether a text in TOML sets anything: an empty table does not.
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
    fn options_that_say_it_all_leave_no_settings() {
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
