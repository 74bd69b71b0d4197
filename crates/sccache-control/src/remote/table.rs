//! The variables of each back end (`config_from_env` in sccache's `config.rs`, 0.8.0 to 0.19.0).

use std::path::Path;

use crate::config::file;
use crate::config::toml;
use sccfg_util::problem::Problem;

/// A remote back end that sccfg sets up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackEnd {
    /// The name of its table below `[cache]`, which is also its level in a chain.
    pub name: &'static str,
    /// What it is, in words.
    pub title: &'static str,
    /// The key that holds its address, alone or in a connection string; `None` if the address is fixed.
    pub address: Option<&'static str>,
    /// Pairs of a key of its table and the variable with the same meaning.
    pub variables: &'static [(&'static str, &'static str)],
    /// Pairs of a secret key of its table and its variable. An empty key: only a variable exists.
    pub secrets: &'static [(&'static str, &'static str)],
}

impl BackEnd {
    /// The variable for the key `key` of the table.
    pub fn variable(&self, key: &str) -> Option<&'static str> {
        let pairs = self.variables.iter().chain(self.secrets);
        let mut found = pairs.filter(|(name, _)| *name == key);
        found.next().map(|(_, variable)| *variable)
    }
}

/// The back ends, in the order in which sccache prefers them.
pub const BACK_ENDS: [BackEnd; 7] = [
    BackEnd {
        name: "s3",
        title: "S3",
        address: Some("endpoint"),
        variables: &[
            ("bucket", "SCCACHE_BUCKET"),
            ("region", "SCCACHE_REGION"),
            ("endpoint", "SCCACHE_ENDPOINT"),
            ("use_ssl", "SCCACHE_S3_USE_SSL"),
            ("key_prefix", "SCCACHE_S3_KEY_PREFIX"),
            ("no_credentials", "SCCACHE_S3_NO_CREDENTIALS"),
            (
                "server_side_encryption",
                "SCCACHE_S3_SERVER_SIDE_ENCRYPTION",
            ),
            (
                "enable_virtual_host_style",
                "SCCACHE_S3_ENABLE_VIRTUAL_HOST_STYLE",
            ),
            ("rw_mode", "SCCACHE_S3_RW_MODE"),
        ],
        secrets: &[("", "AWS_ACCESS_KEY_ID"), ("", "AWS_SECRET_ACCESS_KEY")],
    },
    BackEnd {
        name: "redis",
        title: "Redis",
        address: Some("endpoint"),
        variables: &[
            ("endpoint", "SCCACHE_REDIS_ENDPOINT"),
            ("cluster_endpoints", "SCCACHE_REDIS_CLUSTER_ENDPOINTS"),
            ("username", "SCCACHE_REDIS_USERNAME"),
            ("db", "SCCACHE_REDIS_DB"),
            ("ttl", "SCCACHE_REDIS_TTL"),
            ("key_prefix", "SCCACHE_REDIS_KEY_PREFIX"),
            ("rw_mode", "SCCACHE_REDIS_RW_MODE"),
        ],
        secrets: &[("password", "SCCACHE_REDIS_PASSWORD")],
    },
    BackEnd {
        name: "memcached",
        title: "memcached",
        address: Some("url"),
        variables: &[
            ("url", "SCCACHE_MEMCACHED_ENDPOINT"),
            ("username", "SCCACHE_MEMCACHED_USERNAME"),
            ("expiration", "SCCACHE_MEMCACHED_EXPIRATION"),
            ("key_prefix", "SCCACHE_MEMCACHED_KEY_PREFIX"),
            ("rw_mode", "SCCACHE_MEMCACHED_RW_MODE"),
        ],
        secrets: &[("password", "SCCACHE_MEMCACHED_PASSWORD")],
    },
    BackEnd {
        name: "gcs",
        title: "Google Cloud Storage",
        address: None,
        variables: &[
            ("bucket", "SCCACHE_GCS_BUCKET"),
            ("key_prefix", "SCCACHE_GCS_KEY_PREFIX"),
            ("rw_mode", "SCCACHE_GCS_RW_MODE"),
            ("cred_path", "SCCACHE_GCS_KEY_PATH"),
            ("service_account", "SCCACHE_GCS_SERVICE_ACCOUNT"),
        ],
        secrets: &[],
    },
    BackEnd {
        name: "gha",
        title: "the GitHub Actions cache",
        address: None,
        variables: &[
            ("enabled", "SCCACHE_GHA_ENABLED"),
            ("version", "SCCACHE_GHA_VERSION"),
            ("rw_mode", "SCCACHE_GHA_RW_MODE"),
        ],
        secrets: &[],
    },
    BackEnd {
        name: "azure",
        title: "Azure Blob Storage",
        address: Some("connection_string"),
        variables: &[
            ("container", "SCCACHE_AZURE_BLOB_CONTAINER"),
            ("key_prefix", "SCCACHE_AZURE_KEY_PREFIX"),
            ("storage_account", "SCCACHE_AZURE_STORAGE_ACCOUNT"),
            ("endpoint", "SCCACHE_AZURE_ENDPOINT"),
            ("rw_mode", "SCCACHE_AZURE_RW_MODE"),
        ],
        secrets: &[("connection_string", "SCCACHE_AZURE_CONNECTION_STRING")],
    },
    BackEnd {
        name: "webdav",
        title: "WebDAV",
        address: Some("endpoint"),
        variables: &[
            ("endpoint", "SCCACHE_WEBDAV_ENDPOINT"),
            ("key_prefix", "SCCACHE_WEBDAV_KEY_PREFIX"),
            ("username", "SCCACHE_WEBDAV_USERNAME"),
            ("disable_create_dir", "SCCACHE_WEBDAV_DISABLE_CREATE_DIR"),
            ("rw_mode", "SCCACHE_WEBDAV_RW_MODE"),
        ],
        secrets: &[
            ("password", "SCCACHE_WEBDAV_PASSWORD"),
            ("token", "SCCACHE_WEBDAV_TOKEN"),
        ],
    },
];

/// The back end of this name.
pub fn find(name: &str) -> Option<&'static BackEnd> {
    BACK_ENDS.iter().find(|back_end| back_end.name == name)
}

/// The variables that mean the same as the table of `back_end` in `text`, the contents of the config file at
/// `path`; secrets included.
///
/// # Errors
/// When it is not TOML.
pub(super) fn variables_of_table(
    back_end: &BackEnd,
    text: &str,
    path: &Path,
) -> Result<Vec<(&'static str, String)>, Problem> {
    let document = toml::parse(text, path)?;
    let table = toml::find(document.as_table(), &["cache", back_end.name]);
    let table = table.and_then(|(_, item)| item.as_table_like());
    let keys = table.into_iter().flat_map(toml_edit::TableLike::iter);
    Ok(keys
        .filter_map(|(key, item)| Some((back_end.variable(key)?, file::plain(item))))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::keys;

    #[test]
    fn every_key_of_the_file_has_a_variable() {
        // sccache has no variable for the first; the others are for encryption and deprecated.
        const WITHOUT: [&str; 4] = [
            "cache.gcs.credential_url",
            "cache.redis.url",
            "cache.s3.server_side_encryption_aws_kms",
            "cache.s3.server_side_encryption_kms_key_id",
        ];
        for back_end in BACK_ENDS {
            let table = format!("cache.{}", back_end.name);
            for key in keys::find(&table).unwrap().children() {
                let name = format!("{table}.{}", key.name);
                let known = back_end.variable(key.name).is_some();
                assert_eq!(known, !WITHOUT.contains(&name.as_str()), "{name}");
            }
            for (key, _) in back_end.variables {
                assert!(keys::find(&format!("{table}.{key}")).is_some(), "{key}");
            }
        }
    }

    #[test]
    fn a_table_is_rendered_as_variables() {
        let text = "[cache.redis]\nendpoint = \"redis://h\"\ndb = 3\npassword = \"x\"\n";
        let variables = variables_of_table(&BACK_ENDS[1], text, Path::new("config")).unwrap();
        let variables: Vec<(&str, &str)> = variables
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        assert_eq!(
            variables,
            [
                ("SCCACHE_REDIS_ENDPOINT", "redis://h"),
                ("SCCACHE_REDIS_DB", "3"),
                ("SCCACHE_REDIS_PASSWORD", "x")
            ]
        );
    }
}
