//! Remote back ends as a user describes them, and the settings of sccache that they stand for.

mod address;
mod secret_file;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

pub(crate) use secret_file::SecretFile;

use sccache_control::remote::{BackEnd, find};
use sccfg_util::problem::Problem;

/// A kind of remote back end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[value(rename_all = "lower")]
#[allow(clippy::doc_markdown, reason = "the documentation is the help text")]
pub enum Kind {
    /// Amazon S3 or a compatible store
    S3,
    /// Cloudflare R2
    R2,
    /// Redis, Valkey or a compatible server
    Redis,
    /// memcached
    Memcached,
    /// A directory on a web server (WebDAV)
    WebDav,
    /// Azure Blob Storage
    Azure,
    /// Google Cloud Storage
    Gcs,
    /// The cache of GitHub Actions
    Gha,
}

impl Kind {
    /// The name in commands and in `sccfg.toml`.
    pub fn name(self) -> &'static str {
        match self {
            Self::S3 => "s3",
            Self::R2 => "r2",
            Self::Redis => "redis",
            Self::Memcached => "memcached",
            Self::WebDav => "webdav",
            Self::Azure => "azure",
            Self::Gcs => "gcs",
            Self::Gha => "gha",
        }
    }

    /// The back end of sccache.
    pub fn back_end(self) -> &'static BackEnd {
        let name = if self == Self::R2 { "s3" } else { self.name() };
        find(name).unwrap_or(&sccache_control::remote::BACK_ENDS[0])
    }
}

/// `[remote]` of `sccfg.toml`: the back end that a team shares. It contains no secrets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Remote {
    /// The kind of the back end; `None` if the team shares none.
    pub backend: Option<Kind>,
    /// Bucket, URL or container; for a cluster of Redis the URLs of some of its nodes, with commas between.
    pub address: Option<String>,
    /// The URL of a store that is compatible with S3.
    pub endpoint: Option<String>,
    /// The region of S3.
    pub region: Option<String>,
    /// The prefix of all entries.
    pub prefix: Option<String>,
    /// The user name.
    pub username: Option<String>,
    /// Whether anybody can read it without credentials.
    pub public: bool,
}

/// How this machine uses a back end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    ReadWrite,
    ReadOnly,
}

impl Remote {
    /// The keys of sccache's config file and their values, as `sccfg config set` takes them, without secrets.
    ///
    /// # Errors
    /// If an address is missing, contains a password, or does not fit the kind.
    pub(crate) fn settings(
        &self,
        kind: Kind,
        access: Access,
    ) -> Result<Vec<(String, String)>, Problem> {
        let table = kind.back_end().name;
        let mut settings: Vec<(String, String)> = Vec::new();
        let mut set = |key: &str, value: &str| {
            settings.push((format!("cache.{table}.{key}"), value.to_owned()));
        };
        self.refuse_what_does_not_fit(kind)?;
        match kind {
            Kind::S3 | Kind::R2 => {
                set("bucket", self.address(kind)?);
                set("no_credentials", if self.public { "true" } else { "false" });
                let region = self.region.as_deref();
                match (kind, region, &self.endpoint) {
                    (_, Some(region), _) => set("region", region),
                    (Kind::R2, None, _) | (_, None, Some(_)) => set("region", "auto"),
                    (_, None, None) => {
                        return Err(Problem::new("S3 requires a region")
                            .hint("add --region, such as eu-central-1, or `region` in [remote] of sccfg.toml"));
                    }
                }
                if let Some(endpoint) = &self.endpoint {
                    set("endpoint", endpoint);
                    set(
                        "use_ssl",
                        if endpoint.starts_with("http://") {
                            "false"
                        } else {
                            "true"
                        },
                    );
                } else if kind == Kind::R2 {
                    return Err(Problem::new("R2 requires the account")
                        .hint("add --account ID, which the dashboard of R2 shows, or `endpoint` in [remote] of sccfg.toml"));
                }
            }
            Kind::Redis => {
                let url = self.url(kind)?;
                let is_cluster = url.contains(',');
                let key = if is_cluster {
                    "cluster_endpoints"
                } else {
                    "endpoint"
                };
                set(key, url);
            }
            Kind::WebDav => set("endpoint", self.url(kind)?),
            Kind::Memcached => set("url", self.url(kind)?),
            Kind::Azure => {
                set("container", self.address(kind)?);
                if let Some(endpoint) = &self.endpoint {
                    set("endpoint", endpoint);
                }
            }
            Kind::Gcs => set("bucket", self.address(kind)?),
            Kind::Gha => {
                set("enabled", "true");
                set("version", "1");
            }
        }
        match (kind, self.prefix.as_deref()) {
            (Kind::Gha, _) => {}
            (_, Some(prefix)) => set("key_prefix", prefix),
            // sccache rejects these tables without the key.
            (Kind::Azure, None) => set("key_prefix", ""),
            (Kind::Gcs, None) => set("key_prefix", "sccache"),
            (_, None) => {}
        }
        if let Some(username) = &self.username {
            set("username", username);
        }
        match (access, kind) {
            (Access::ReadOnly, _) => set("rw_mode", "READ_ONLY"),
            (Access::ReadWrite, Kind::Gcs) => set("rw_mode", "READ_WRITE"),
            (Access::ReadWrite, _) => {}
        }
        Ok(settings)
    }

    /// The variables of sccache, without secrets.
    ///
    /// # Errors
    /// As [`settings`](Self::settings).
    pub(crate) fn variables(
        &self,
        kind: Kind,
        access: Access,
    ) -> Result<Vec<(&'static str, String)>, Problem> {
        let back_end = kind.back_end();
        let settings = self.settings(kind, access)?.into_iter();
        Ok(settings
            .filter_map(|(key, value)| {
                let key = key.rsplit('.').next()?;
                // In a variable, an empty value means that it is unset.
                let variable = back_end.variable(key)?;
                (!value.is_empty()).then_some((variable, value))
            })
            .collect())
    }

    /// The secrets that sccache takes from variables, for the credentials of a back end of `kind`.
    pub(crate) fn secrets(&self, kind: Kind) -> Vec<Secret> {
        let variables: &[&'static str] = match kind {
            Kind::S3 | Kind::R2 => &["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"],
            Kind::Redis => &["SCCACHE_REDIS_PASSWORD"],
            Kind::Memcached if self.username.is_some() => &["SCCACHE_MEMCACHED_PASSWORD"],
            Kind::Gha | Kind::Memcached => &[],
            Kind::WebDav if self.username.is_some() => &["SCCACHE_WEBDAV_PASSWORD"],
            Kind::WebDav => &["SCCACHE_WEBDAV_TOKEN"],
            Kind::Azure => &["SCCACHE_AZURE_CONNECTION_STRING"],
            Kind::Gcs => &["SCCACHE_GCS_KEY_PATH"],
        };
        let secret = |variable: &&'static str| Secret {
            variable,
            is_file: *variable == "SCCACHE_GCS_KEY_PATH",
        };
        variables.iter().map(secret).collect()
    }
}

/// A secret that sccache takes from a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Secret {
    pub(crate) variable: &'static str,
    /// Whether the variable has the path of a file with the secret.
    pub(crate) is_file: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(remote: &Remote, kind: Kind) -> Vec<String> {
        let settings = remote.settings(kind, Access::ReadWrite).unwrap();
        settings
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect()
    }

    #[test]
    fn a_back_end_has_every_key_that_sccache_requires() {
        use sccache_control::config::keys;
        let remote = |address: &str| Remote {
            address: Some(address.to_owned()),
            region: None,
            ..Remote::default()
        };
        for (kind, address) in [
            (Kind::Redis, "redis://h"),
            (Kind::Memcached, "tcp://h"),
            (Kind::WebDav, "https://h"),
            (Kind::Azure, "c"),
            (Kind::Gcs, "b"),
            (Kind::Gha, ""),
        ] {
            let settings = settings(&remote(address), kind);
            let table = format!("cache.{}", kind.name());
            for key in keys::find(&table).unwrap().children() {
                let name = format!("{table}.{}=", key.name);
                let has = settings.iter().any(|setting| setting.starts_with(&name));
                assert!(has || !key.required, "{name} {settings:?}");
            }
        }
    }

    #[test]
    fn a_store_like_s3_needs_no_region() {
        let mut remote = Remote {
            address: Some("builds".to_owned()),
            ..Remote::default()
        };
        assert!(remote.settings(Kind::S3, Access::ReadWrite).is_err());
        remote.endpoint = Some("http://127.0.0.1:9000".to_owned());
        assert_eq!(
            settings(&remote, Kind::S3),
            [
                "cache.s3.bucket=builds",
                "cache.s3.no_credentials=false",
                "cache.s3.region=auto",
                "cache.s3.endpoint=http://127.0.0.1:9000",
                "cache.s3.use_ssl=false",
            ]
        );
        let variables = remote.variables(Kind::S3, Access::ReadOnly).unwrap();
        assert!(variables.contains(&("SCCACHE_S3_RW_MODE", "READ_ONLY".to_owned())));
    }

    #[test]
    fn several_nodes_of_redis_are_a_cluster() {
        let mut remote = Remote {
            address: Some("redis://a:6379,rediss://b".to_owned()),
            ..Remote::default()
        };
        assert_eq!(
            settings(&remote, Kind::Redis),
            ["cache.redis.cluster_endpoints=redis://a:6379,rediss://b"]
        );
        assert!(remote.settings(Kind::WebDav, Access::ReadWrite).is_err());
        for wrong in [
            "redis://a,b",
            "redis://a,",
            "redis://a,redis://me:hunter22@b",
        ] {
            remote.address = Some(wrong.to_owned());
            let problem = remote.settings(Kind::Redis, Access::ReadWrite).unwrap_err();
            assert!(!problem.to_string().contains("hunter22"), "{problem}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let remote = Remote {
            address: Some("redis://me:hunter22@h".to_owned()),
            ..Remote::default()
        };
        let problem = remote.settings(Kind::Redis, Access::ReadWrite).unwrap_err();
        assert!(problem.what.contains("password") && !problem.what.contains("hunter22"));
        let remote = Remote {
            address: Some("cache.example.org".to_owned()),
            ..Remote::default()
        };
        let problem = remote.settings(Kind::Redis, Access::ReadWrite).unwrap_err();
        assert_eq!(
            problem.hint.as_deref(),
            Some("write redis://cache.example.org:6379")
        );
    }
}
