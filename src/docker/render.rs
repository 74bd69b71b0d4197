//! The instructions that install sccache in an image, set it, and mount its directories.

use anyhow::Result;
use serde_json::json;

use super::decide::{Mounts, STAGE, User};
use crate::remote::{Access, Kind, Remote, Secret};
use sccfg_util::problem::Problem;
use sccfg_util::size::ByteSize;

/// The image of that stage, for its wget, sha256sum and tar.
const IMAGE: &str = "docker.io/library/alpine:3.22";
/// The version of sccache, and the checksums of its archives for Linux, by the machine's name.
const VERSION: &str = "0.16.0";
const ARCHIVES: [(&str, &str); 2] = [
    (
        "x86_64",
        "aec995a83ad3dff3d14b6314e08858b7b73d35ca85a5bcf3d3a9ec07dee35588",
    ),
    (
        "aarch64",
        "f73a5c39f96bb6ebb89cc7915cf182260d4cbf30765322c5e793d0fe8bd80784",
    ),
];
/// Where the wrapper and sccache are in the image.
const DIRECTORY: &str = "/opt/sccfg";
/// The directory of the cache, and that of a build's server and its socket. Both are mounted.
const CACHE: &str = "/var/cache/sccache";
const RUN: &str = "/run/sccfg";

/// The values for every Dockerfile of a repository.
#[derive(Debug)]
pub(crate) struct Settings {
    size: Option<ByteSize>,
    /// The variables of the remote back end.
    variables: Vec<(&'static str, String)>,
    secrets: Vec<Secret>,
    levels: Option<String>,
}

impl Settings {
    /// The settings for a cache of `size`, and `remote` behind it.
    ///
    /// # Errors
    /// If `remote` is incomplete.
    pub(crate) fn new(size: Option<ByteSize>, remote: &Remote) -> Result<Self, Problem> {
        let mut settings = Self {
            size,
            variables: Vec::new(),
            secrets: Vec::new(),
            levels: None,
        };
        // The cache of GitHub Actions takes tokens that change with each job.
        if let Some(kind) = remote.backend.filter(|kind| *kind != Kind::Gha) {
            let access = if remote.public {
                Access::ReadOnly
            } else {
                Access::ReadWrite
            };
            settings.variables = remote.variables(kind, access)?;
            settings.levels = Some(format!("disk,{}", kind.back_end().name));
            if !remote.public {
                settings.secrets = remote.secrets(kind);
            }
        }
        Ok(settings)
    }

    /// The stage that installs sccache for `platform`, line by line.
    pub(super) fn installer(
        &self,
        number: usize,
        platform: Option<&str>,
        escape: char,
    ) -> Result<Vec<String>> {
        let names = |is_file: bool| {
            let secrets = self
                .secrets
                .iter()
                .filter(|secret| secret.is_file == is_file);
            secrets.map(|secret| secret.variable).collect::<Vec<_>>()
        };
        let script = sccfg_templates::render(
            sccfg_templates::DOCKER_WRAPPER,
            json!({
                "run": RUN,
                "sccache": format!("{DIRECTORY}/bin/sccache"),
                "secrets": names(false).join(" "),
                "files": names(true),
                "remote": self.remote_names().collect::<Vec<_>>().join(" "),
            }),
        )?;
        let script: Vec<&str> = script.lines().collect();
        let platform = platform.map(|platform| format!("--platform={platform} "));
        let text = sccfg_templates::render(
            sccfg_templates::DOCKER_STAGE,
            json!({
                "platform": platform.unwrap_or_default(),
                "image": IMAGE,
                "name": stage_name(number),
                "version": VERSION,
                "archives": ARCHIVES,
                "directory": DIRECTORY,
                "script": script,
                "escape": escape.to_string(),
            }),
        )?;
        Ok(text.lines().map(str::to_owned).collect())
    }

    /// The instructions that copy sccache and set its variables, line by line.
    pub(super) fn variables(&self, installer: usize, escape: char) -> Vec<String> {
        let mut variables = vec![
            ("RUSTC_WRAPPER", format!("{DIRECTORY}/sccache")),
            ("CARGO_INCREMENTAL", "0".to_owned()),
            ("SCCACHE_DIR", CACHE.to_owned()),
            ("SCCACHE_SERVER_UDS", format!("{RUN}/socket")),
        ];
        if let Some(size) = self.size {
            variables.push(("SCCACHE_CACHE_SIZE", size.for_sccache()));
        }
        for (name, value) in &self.variables {
            variables.push((name, value.clone()));
        }
        if let Some(levels) = &self.levels {
            variables.push(("SCCACHE_MULTILEVEL_CHAIN", levels.clone()));
        }
        let stage = stage_name(installer);
        let mut lines = vec![format!("COPY --from={stage} {DIRECTORY} {DIRECTORY}")];
        let last = variables.len() - 1;
        for (number, (name, value)) in variables.iter().enumerate() {
            let start = if number == 0 { "ENV " } else { "    " };
            let end = if number == last {
                String::new()
            } else {
                format!(" {escape}")
            };
            lines.push(format!("{start}{name}={}{end}", quoted(value, escape)));
        }
        lines
    }

    /// The options of an instruction.
    pub(super) fn mounts(&self, mounts: &Mounts) -> Vec<String> {
        // Users do not share directories: none could write what another one has created.
        let (suffix, owner) = match &mounts.user {
            User::Other(user) if user.parse::<u32>().is_ok() => {
                (format!("-{user}"), format!(",uid={user}"))
            }
            User::Other(user) => (format!("-{user}"), ",mode=0777".to_owned()),
            User::Root | User::Unknown => (String::new(), String::new()),
        };
        let mut options = Vec::new();
        if mounts.sccache {
            // Entries are written as a whole under their keys, so builds may share the directory.
            options.push(format!(
                "--mount=type=cache,id=sccfg-sccache{suffix},target={CACHE},sharing=shared{owner}"
            ));
            options.push(format!("--mount=type=tmpfs,target={RUN}"));
        }
        for (name, target) in &mounts.cargo {
            // cargo's lock is above these directories, so it is not shared.
            options.push(format!(
                "--mount=type=cache,id=sccfg-cargo-{name}{suffix},target={target},sharing=locked{owner}"
            ));
        }
        if mounts.sccache {
            let mode = match mounts.user {
                User::Root => "",
                _ => ",mode=0444",
            };
            for secret in &self.secrets {
                options.push(format!("--mount=type=secret,id={}{mode}", secret.variable));
            }
        }
        options
    }

    /// The names of the secrets that a build takes.
    pub(crate) fn secret_names(&self) -> impl Iterator<Item = &'static str> {
        self.secrets.iter().map(|secret| secret.variable)
    }

    /// The variables without which sccache has its cache on the disk only.
    fn remote_names(&self) -> impl Iterator<Item = &'static str> {
        let levels = self.levels.as_ref().map(|_| "SCCACHE_MULTILEVEL_CHAIN");
        self.variables.iter().map(|(name, _)| *name).chain(levels)
    }
}

fn stage_name(number: usize) -> String {
    match number {
        0 => STAGE.to_owned(),
        number => format!("{STAGE}-{}", number + 1),
    }
}

/// A value for `ENV`, which replaces variables in it.
fn quoted(value: &str, escape: char) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/:.,_-@+=%".contains(c);
    if !value.is_empty() && value.chars().all(is_plain) {
        return value.to_owned();
    }
    let mut out = String::from("\"");
    for c in value.chars() {
        if matches!(c, '"' | '$') || c == escape {
            out.push(escape);
        }
        out.push(c);
    }
    out.push('"');
    out
}
