//! sccache's environment variables (`config_from_env` in its `config.rs`).

use std::collections::BTreeMap;
use std::path::Path;

use super::diagnostic::Diagnostic;
use super::keys::{REMOTES, nearest_of};
use sccfg_util::size::ByteSize;

pub(crate) type Variables = BTreeMap<String, String>;

/// The value of a variable for which sccache treats empty as unset.
pub(super) fn filled<'v>(variables: &'v Variables, name: &str) -> Option<&'v str> {
    variables
        .get(name)
        .map(String::as_str)
        .filter(|value| !value.is_empty())
}

/// A read-write mode, in any case; sccache ignores other values.
pub(super) fn rw_mode(variables: &Variables, name: &str) -> Option<&'static str> {
    match filled(variables, name)?.to_uppercase().as_str() {
        "READ_ONLY" => Some("READ_ONLY"),
        "READ_WRITE" => Some("READ_WRITE"),
        _ => None,
    }
}

/// A boolean; sccache rejects other values.
pub(super) fn boolean(value: &str) -> Option<bool> {
    match value.to_lowercase().as_str() {
        "true" | "on" | "1" => Some(true),
        "false" | "off" | "0" => Some(false),
        _ => None,
    }
}

/// The disk variables with valid values. Each replaces the whole table `[cache.disk]` of the file.
pub(super) fn disk(variables: &Variables) -> Vec<&'static str> {
    let size = filled(variables, "SCCACHE_CACHE_SIZE").and_then(ByteSize::parse_like_sccache);
    let direct = filled(variables, "SCCACHE_DIRECT").and_then(boolean);
    [
        ("SCCACHE_DIR", variables.contains_key("SCCACHE_DIR")),
        ("SCCACHE_CACHE_SIZE", size.is_some()),
        ("SCCACHE_DIRECT", direct.is_some()),
        (
            "SCCACHE_LOCAL_RW_MODE",
            rw_mode(variables, "SCCACHE_LOCAL_RW_MODE").is_some(),
        ),
    ]
    .into_iter()
    .filter_map(|(name, counts)| counts.then_some(name))
    .collect()
}

/// Whether the variables configure a remote back end, or a chain that may contain one.
pub fn is_remote(variables: &Variables) -> bool {
    REMOTES.iter().any(|name| remote(variables, name).is_some()) || chain(variables).is_some()
}

/// The variables that configure back ends other than the disk, and the chain.
pub fn of_back_ends(variables: &Variables) -> Vec<&'static str> {
    const CHAIN: &str = "SCCACHE_MULTILEVEL_CHAIN";
    let remotes = REMOTES.iter();
    let remotes = remotes.filter_map(|name| remote(variables, name));
    remotes.chain(chain(variables).map(|_| CHAIN)).collect()
}

/// The variable that configures the remote back end `name`; it replaces the table of the file.
pub fn remote(variables: &Variables, name: &str) -> Option<&'static str> {
    let names: &[&str] = match name {
        "s3" => &["SCCACHE_BUCKET"],
        "redis" => &[
            "SCCACHE_REDIS_ENDPOINT",
            "SCCACHE_REDIS_CLUSTER_ENDPOINTS",
            "SCCACHE_REDIS",
        ],
        "memcached" => &["SCCACHE_MEMCACHED_ENDPOINT", "SCCACHE_MEMCACHED"],
        "gcs" => &["SCCACHE_GCS_BUCKET"],
        "gha" => &["SCCACHE_GHA_VERSION"],
        "webdav" => &["SCCACHE_WEBDAV_ENDPOINT"],
        "oss" => &["SCCACHE_OSS_BUCKET"],
        "cos" => &["SCCACHE_COS_BUCKET"],
        "azure" => {
            let sources = [
                "SCCACHE_AZURE_CONNECTION_STRING",
                "SCCACHE_AZURE_STORAGE_ACCOUNT",
                "SCCACHE_AZURE_ENDPOINT",
            ];
            let source = sources.iter().any(|name| filled(variables, name).is_some());
            return (source && filled(variables, "SCCACHE_AZURE_BLOB_CONTAINER").is_some())
                .then_some("SCCACHE_AZURE_BLOB_CONTAINER");
        }
        _ => &[],
    };
    if name == "gha" && filled(variables, "SCCACHE_GHA_ENABLED").and_then(boolean) == Some(true) {
        return Some("SCCACHE_GHA_ENABLED");
    }
    names
        .iter()
        .find(|name| filled(variables, name).is_some())
        .copied()
}

/// The levels of `SCCACHE_MULTILEVEL_CHAIN`.
pub(super) fn chain(variables: &Variables) -> Option<Vec<String>> {
    let chain = filled(variables, "SCCACHE_MULTILEVEL_CHAIN")?;
    Some(
        chain
            .split(',')
            .map(|level| level.trim().to_owned())
            .collect(),
    )
}

/// The problems of the variables themselves.
pub(super) fn faults(variables: &Variables) -> Vec<Diagnostic> {
    let mut diagnostics = Vec::new();
    size(variables, &mut diagnostics);
    switches(variables, &mut diagnostics);
    paths(variables, &mut diagnostics);
    for (name, instead) in [
        ("SCCACHE_SERVER_PORT", "4226"),
        ("SCCACHE_IDLE_TIMEOUT", "600 seconds"),
    ] {
        let Some(value) = filled(variables, name) else {
            continue;
        };
        let fits = match name {
            "SCCACHE_SERVER_PORT" => value.parse::<u16>().is_ok(),
            _ => value.parse::<u64>().is_ok(),
        };
        if !fits {
            diagnostics.push(
                Diagnostic::warning(
                    format!("sccache ignores {name}={value}, and uses {instead}"),
                    "write a number without a unit",
                )
                .of_variable(name),
            );
        }
    }
    if filled(variables, "SCCACHE_MEMCACHED").is_some()
        && filled(variables, "SCCACHE_MEMCACHED_ENDPOINT").is_some()
    {
        diagnostics.push(
            Diagnostic::error(
                "SCCACHE_MEMCACHED and SCCACHE_MEMCACHED_ENDPOINT are both set",
                "unset SCCACHE_MEMCACHED, the older name",
            )
            .of_variable("SCCACHE_MEMCACHED"),
        );
    }
    diagnostics
}

fn size(variables: &Variables, diagnostics: &mut Vec<Diagnostic>) {
    let Some(value) = filled(variables, "SCCACHE_CACHE_SIZE") else {
        return;
    };
    if ByteSize::parse_like_sccache(value).is_none() {
        let hint = match value.parse::<ByteSize>() {
            Ok(size) => format!("write SCCACHE_CACHE_SIZE={}", size.for_sccache()),
            Err(_) => "write an integer with K, M, G or T, such as 24G".to_owned(),
        };
        diagnostics.push(
            Diagnostic::warning(
                format!("sccache silently ignores the invalid size SCCACHE_CACHE_SIZE={value}"),
                hint,
            )
            .of_variable("SCCACHE_CACHE_SIZE"),
        );
    }
}

fn switches(variables: &Variables, diagnostics: &mut Vec<Diagnostic>) {
    let s3 = filled(variables, "SCCACHE_BUCKET").is_some();
    let switches = [
        ("SCCACHE_DIRECT", true),
        ("SCCACHE_CLIENT_SIDE", true),
        ("SCCACHE_S3_NO_CREDENTIALS", s3),
        ("SCCACHE_S3_USE_SSL", s3),
        ("SCCACHE_S3_SERVER_SIDE_ENCRYPTION", s3),
        ("SCCACHE_S3_ENABLE_VIRTUAL_HOST_STYLE", s3),
    ];
    for (name, _) in switches.into_iter().filter(|(_, counts)| *counts) {
        if let Some(value) = filled(variables, name)
            && boolean(value).is_none()
        {
            diagnostics.push(
                Diagnostic::error(
                    format!("invalid boolean: {name}={value}"),
                    "write true, on, 1, false, off or 0",
                )
                .of_variable(name),
            );
        }
    }
    for (name, value) in variables {
        if name.starts_with("SCCACHE_")
            && name.ends_with("_RW_MODE")
            && !value.is_empty()
            && rw_mode(variables, name).is_none()
        {
            let modes = ["READ_ONLY", "READ_WRITE"];
            let near = nearest_of(&value.to_uppercase(), modes.into_iter());
            diagnostics.push(
                Diagnostic::warning(
                    format!("sccache silently ignores the invalid mode {name}={value}"),
                    match near {
                        Some(near) => format!("write {name}={near}"),
                        None => "write READ_ONLY or READ_WRITE".to_owned(),
                    },
                )
                .of_variable(name),
            );
        }
    }
}

fn paths(variables: &Variables, diagnostics: &mut Vec<Diagnostic>) {
    if let Some(conf) = filled(variables, "SCCACHE_CONF")
        && !Path::new(conf).is_absolute()
    {
        diagnostics.push(
            Diagnostic::warning(
                format!("SCCACHE_CONF={conf} is relative, so each process resolves it differently"),
                "use an absolute path",
            )
            .of_variable("SCCACHE_CONF"),
        );
    }
    let basedirs = filled(variables, "SCCACHE_BASEDIRS").unwrap_or_default();
    for directory in basedirs
        .split(':')
        .filter(|directory| !directory.is_empty())
    {
        if !Path::new(directory).is_absolute() {
            diagnostics.push(
                Diagnostic::error(
                    format!("SCCACHE_BASEDIRS contains the relative path `{directory}`"),
                    "use absolute paths",
                )
                .of_variable("SCCACHE_BASEDIRS"),
            );
        }
    }
}
