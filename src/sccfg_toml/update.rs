//! Changes of an existing `sccfg.toml`, which keep its comments and order.

use std::path::Path;

use toml_edit::Value;

use super::{FILE_NAME, Policy, toml_names};
use sccache_control::config::toml;
use sccfg_util::problem::Problem;

impl Policy {
    /// `text`, an existing `sccfg.toml`, changed to this policy. Comments and order are kept.
    ///
    /// # Errors
    /// If it is not TOML.
    pub fn update(&self, path: &Path, text: &str) -> Result<String, Problem> {
        let before = Self::parse(path, text)?;
        // With these, it is also about dev shells.
        let adds_shells = before.is_without_shells(text);
        if before == *self && !adds_shells {
            return Ok(text.to_owned());
        }
        let mut settings: Vec<([&str; 2], Value)> = Vec::new();
        if before.cache != self.cache
            && let Some(size) = self.cache.size
        {
            settings.push((["cache", "size"], size.to_string().into()));
        }
        let incremental = self.cargo.incremental;
        if before.cargo.incremental != incremental || adds_shells {
            settings.push((["cargo", "incremental"], incremental.name().into()));
        }
        let wrapper = self.cargo.wrapper;
        if before.cargo.wrapper != wrapper {
            settings.push((["cargo", "wrapper"], wrapper.name().into()));
        }
        let linker = self.cargo.linker;
        if before.cargo.linker != linker {
            settings.push((["cargo", "linker"], linker.name().into()));
        }
        let linker_config = self.cargo.linker_config;
        if before.cargo.linker_config != linker_config {
            settings.push((["cargo", "linker-config"], linker_config.name().into()));
        }
        if before.portable.links != self.portable.links {
            settings.push((["portable", "links"], self.portable.links.into()));
        }
        if before.portable.seed != self.portable.seed {
            settings.push((["portable", "seed"], self.portable.seed.into()));
        }
        let cargo_home = self.portable.cargo_home;
        if before.portable.cargo_home != cargo_home {
            settings.push((["portable", "home"], cargo_home.name().into()));
        }
        if before.portable.verify != self.portable.verify {
            let share = self.portable.verify.to_string();
            settings.push((["portable", "verify"], share.into()));
        }
        if before.shell != self.shell || adds_shells {
            let names = toml_names(&self.shell.names);
            settings.push((["shell", "names"], names.into()));
        }
        if before.flake != self.flake
            && let Some(input) = &self.flake.input
        {
            settings.push((["flake", "input"], input.as_str().into()));
        }
        settings
            .into_iter()
            .try_fold(text.to_owned(), |text, (keys, value)| {
                toml::set(&text, path, &keys, &value)
            })
    }

    /// `text`, an existing `sccfg.toml`, with the provider and the back end of `[ci]` of this policy.
    ///
    /// # Errors
    /// If it is not TOML.
    pub(crate) fn update_ci(&self, path: &Path, text: &str) -> Result<String, Problem> {
        let before = Self::parse(path, text)?;
        let mut text = text.to_owned();
        if let Some(provider) = self.ci.provider
            && before.ci.provider != Some(provider)
        {
            text = toml::set(&text, path, &["ci", "provider"], &provider.name().into())?;
        }
        if before.ci.provider.is_none() || before.ci.backend != self.ci.backend {
            let backend = self.ci.backend.name();
            text = toml::set(&text, path, &["ci", "backend"], &backend.into())?;
        }
        Ok(text)
    }

    /// `text`, an existing `sccfg.toml`, with `[docker]` of this policy.
    ///
    /// # Errors
    /// If it is not TOML.
    pub(crate) fn update_docker(&self, path: &Path, text: &str) -> Result<String, Problem> {
        let before = Self::parse(path, text)?.docker;
        let mut text = text.to_owned();
        if before.files != self.docker.files {
            let files: toml_edit::Array = self.docker.files.iter().map(String::as_str).collect();
            text = toml::set(&text, path, &["docker", "files"], &files.into())?;
        }
        if before.compose != self.docker.compose {
            text = toml::set(
                &text,
                path,
                &["docker", "compose"],
                &self.docker.compose.into(),
            )?;
        }
        Ok(text)
    }

    /// Whether `text`, from which this policy was read, is about CI, images and the remote back end only.
    pub(crate) fn is_without_shells(&self, text: &str) -> bool {
        let Ok(document) = toml::parse(text, Path::new(FILE_NAME)) else {
            return false;
        };
        let mut tables = document.as_table().iter().map(|(name, _)| name);
        let is_managed =
            self.ci.provider.is_some() || !self.docker.files.is_empty() || self.docker.compose;
        is_managed && tables.all(|name| matches!(name, "ci" | "docker" | "remote"))
    }
}

#[cfg(test)]
mod tests {
    use super::super::Incremental;
    use super::*;

    fn parse(text: &str) -> Result<Policy, Problem> {
        Policy::parse(Path::new(FILE_NAME), text)
    }

    #[test]
    fn an_update_keeps_comments_and_order() {
        let text =
            "# ours\n[shell]\nnames = [\"default\"] # main\n\n[cache]\nsize = \"1GiB\" # small\n";
        let mut policy = parse(text).unwrap();
        policy.cache.size = Some("2GiB".parse().unwrap());
        policy.cargo.incremental = Incremental::Workspace;
        policy.flake.input = Some("path:../sccfg".parse().unwrap());
        let updated = policy.update(Path::new(FILE_NAME), text).unwrap();
        assert!(
            updated.starts_with("# ours\n[shell]\nnames = [\"default\"] # main\n"),
            "{updated}"
        );
        assert!(updated.contains("size = \"2GiB\" # small"), "{updated}");
        assert_eq!(parse(&updated).unwrap(), policy);
    }

    #[test]
    fn an_update_keeps_every_line_ending() {
        let text = "# ours\r\n[cargo] # first\n\r\n[cache]\r\nsize = \"1GiB\" # small\r\n";
        let mut policy = parse(text).unwrap();
        policy.cache.size = Some("2GiB".parse().unwrap());
        let updated = policy.update(Path::new(FILE_NAME), text).unwrap();
        assert_eq!(updated, text.replace("1GiB", "2GiB"));
        policy.cargo.incremental = Incremental::Auto;
        let updated = policy.update(Path::new(FILE_NAME), &updated).unwrap();
        let inserted = "[cargo] # first\nincremental = \"auto\"\r\n";
        assert_eq!(
            updated,
            text.replace("1GiB", "2GiB")
                .replace("[cargo] # first\n", inserted)
        );
    }
}
