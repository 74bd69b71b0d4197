//! Addresses of remote back ends, and what does not fit a kind.

use super::{Kind, Remote};
use sccfg_util::problem::Problem;
use sccfg_util::secret;

impl Remote {
    /// The name of the bucket or container, or the URL.
    ///
    /// # Errors
    /// If it is missing, or is no name of one.
    pub(super) fn address(&self, kind: Kind) -> Result<&str, Problem> {
        let what = match kind {
            Kind::Azure => "container",
            Kind::Redis | Kind::WebDav | Kind::Memcached => "URL",
            _ => "bucket",
        };
        let address = self
            .address
            .as_deref()
            .filter(|address| !address.is_empty());
        let address = address.ok_or_else(|| {
            Problem::new(format!("`{}` requires a {what}", kind.name())).hint(format!(
                "sccfg remote add {} ADDRESS, or `address` in [remote] of sccfg.toml",
                kind.name()
            ))
        })?;
        if what != "URL" && !is_name(kind, address) {
            // It may be a connection string with a key.
            return Err(Problem::new(format!(
                "the address for `{}` has characters that are invalid in the name of a {what}",
                kind.name()
            ))
            .hint(match kind {
                Kind::Azure => {
                    "write its name alone; put the connection string into a file, and add --secret-file FILE to \
                     `sccfg remote add`"
                }
                _ => "write its name alone, such as builds",
            }));
        }
        Ok(address)
    }

    /// The URL, or the URLs of a cluster of Redis.
    ///
    /// # Errors
    /// If it is missing, or has another scheme.
    pub(super) fn url(&self, kind: Kind) -> Result<&str, Problem> {
        let url = self.address(kind)?;
        let (schemes, example): (&[&str], &str) = match kind {
            Kind::Redis => (
                &["redis", "rediss", "redis+unix", "unix"],
                "redis://cache.example.org:6379",
            ),
            Kind::Memcached => (&["tcp", "unix"], "tcp://cache.example.org:11211"),
            _ => (&["http", "https"], "https://dav.example.org/sccache"),
        };
        // Only the nodes of a cluster of Redis are several.
        let urls = url.split(if kind == Kind::Redis { ',' } else { '\0' });
        for url in urls {
            let (scheme, rest) = url.split_once("://").unwrap_or(("", ""));
            let rest = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
            if !schemes.contains(&scheme) || rest.trim_matches('/').is_empty() {
                let url = secret::redact_address(url);
                return Err(Problem::new(format!(
                    "`{url}` is not a URL of {}",
                    kind.back_end().title
                ))
                .hint(format!("write {example}")));
            }
        }
        Ok(url)
    }

    /// Refuses addresses with passwords and keys that back ends of `kind` do not have.
    ///
    /// # Errors
    /// If there is one.
    pub(super) fn refuse_what_does_not_fit(&self, kind: Kind) -> Result<(), Problem> {
        let urls = [&self.address, &self.endpoint].into_iter().flatten();
        for url in urls.flat_map(|urls| urls.split(',')) {
            if secret::redact_address(url) != url && !has_user_only(kind, url) {
                return Err(Problem::new(format!(
                    "`{}` contains a password, which the shell's history and other programs can read",
                    secret::redact_address(url)
                ))
                .hint(place_of_secret(kind)));
            }
        }
        let is_s3 = matches!(kind, Kind::S3 | Kind::R2);
        let has_login = matches!(kind, Kind::Redis | Kind::Memcached | Kind::WebDav);
        let misfit = [
            (
                "--endpoint",
                self.endpoint.is_some() && !is_s3 && kind != Kind::Azure,
            ),
            ("--region", self.region.is_some() && !is_s3),
            ("--username", self.username.is_some() && !has_login),
            ("--public", self.public && !is_s3),
            ("--prefix", self.prefix.is_some() && kind == Kind::Gha),
        ];
        match misfit.iter().find(|(_, is_wrong)| *is_wrong) {
            Some((option, _)) => Err(Problem::new(format!(
                "`{}` has no {}",
                kind.name(),
                option.trim_start_matches('-')
            ))
            .hint(format!(
                "leave {option} out, or `{}` in [remote] of sccfg.toml",
                option.trim_start_matches('-')
            ))),
            None => Ok(()),
        }
    }
}

/// Whether `address` has only characters that names of buckets and containers have.
fn is_name(kind: Kind, address: &str) -> bool {
    let (name, marks) = match kind {
        // `$root`, `$web` and `$logs` are containers.
        Kind::Azure => (address.strip_prefix('$').unwrap_or(address), "-"),
        Kind::S3 => (address, "-._:"),
        _ => (address, "-._"),
    };
    name.chars()
        .all(|c| c.is_ascii_alphanumeric() || marks.contains(c))
}

/// Whether `url`, an address of Redis, has a user name and no password.
fn has_user_only(kind: Kind, url: &str) -> bool {
    let Some((scheme, rest)) = url.split_once("://").filter(|_| kind == Kind::Redis) else {
        return false;
    };
    rest.split_once('@').is_some_and(|(user, host)| {
        let without = format!("{scheme}://{host}");
        !user.contains([':', '/', '?', '#']) && secret::redact_address(&without) == without
    })
}

/// Where a secret belongs that is in an address.
fn place_of_secret(kind: Kind) -> &'static str {
    match kind {
        Kind::S3 | Kind::R2 => {
            "leave it out: sccache reads the keys of S3 from ~/.aws/credentials, or from AWS_ACCESS_KEY_ID and \
             AWS_SECRET_ACCESS_KEY"
        }
        Kind::Azure => {
            "leave it out; put the connection string into a file, and add --secret-file FILE to `sccfg remote add`"
        }
        _ => {
            "leave the password out, and add --secret-file FILE to `sccfg remote add`; a user name is --username, or \
             `username` in [remote] of sccfg.toml"
        }
    }
}
