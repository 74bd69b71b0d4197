//! Distributed compilation: the config files of sccache-dist, and the lines of the client in sccache's.

mod client;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use toml_edit::Value;

pub(crate) use client::{Client, Toolchain, with_client, without_client};
use sccfg_util::fsio;
use sccfg_util::posix::quote;
use sccfg_util::problem::Problem;
use sccfg_util::secret::{self, Secrecy};
use sccfg_util::size::ByteSize;

/// The prefix of the first line of config files of sccache-dist that sccfg wrote.
pub(crate) const WRITTEN: &str = "# Written by `sccfg dist ";

/// A secret in a file of the user.
pub(crate) struct Token {
    value: String,
    path: PathBuf,
}

/// The purpose of a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenKind {
    /// Clients show it to the scheduler.
    Client,
    /// A build server shows it to the scheduler.
    Server,
    /// The scheduler checks the tokens of build servers with it.
    ServerKey,
}

impl Token {
    /// Reads the file at `path`, which contains nothing but the secret.
    ///
    /// # Errors
    /// If it cannot be read, or contains anything else.
    pub(crate) fn read(path: &Path, kind: TokenKind) -> Result<Self, Problem> {
        let shown = path.display();
        let file = quote(&shown.to_string());
        let (name, make) = match kind {
            TokenKind::Client => (
                "the token of the clients",
                format!("(umask 077; sccache-dist auth generate-shared-token >{file})"),
            ),
            TokenKind::Server => (
                "the token of this build server",
                "on the scheduler's machine, (umask 077; sccache-dist auth generate-jwt-hs256-server-token \
                 --config scheduler.conf --server IP:PORT >server-token)"
                    .to_owned(),
            ),
            TokenKind::ServerKey => (
                "the key of the scheduler",
                format!("(umask 077; sccache-dist auth generate-jwt-hs256-key >{file})"),
            ),
        };
        let text = fsio::read(path)?.ok_or_else(|| {
            Problem::new(format!("file not found: {shown}")).hint(format!("create {name}: {make}"))
        })?;
        let value = text.trim_end_matches(['\r', '\n']).to_owned();
        secret::register(&value, Secrecy::Secret);
        let is_text = !value.is_empty() && value.chars().all(|c| c.is_ascii_graphic());
        let fits = match kind {
            TokenKind::Client => is_text,
            // A JSON Web Token, which contains the address that it was made for.
            TokenKind::Server => is_text && value.split('.').count() == 3,
            // 32 bytes in base64 for URLs.
            TokenKind::ServerKey => is_text && value.trim_end_matches('=').len() == 43,
        };
        if !fits {
            return Err(Problem::new(format!("{shown} does not contain {name}"))
                .hint(format!("create it: {make}")));
        }
        Ok(Self {
            value,
            path: path.to_owned(),
        })
    }
}

/// A value in TOML.
fn quoted(value: impl Into<Value>) -> String {
    value.into().to_string()
}

/// Refuses what is not the URL of a scheduler, as sccache reads one (`HTTPUrl` in its `config.rs`).
///
/// # Errors
/// If it is not an `http` or `https` URL without a path.
pub(crate) fn check_url(url: &str) -> Result<(), Problem> {
    let rest = url
        .strip_prefix("http://")
        .or_else(|| url.strip_prefix("https://"));
    let host = rest.map(|rest| rest.trim_end_matches('/'));
    match host {
        Some(host) if !host.is_empty() && !host.contains(['/', '?', '#', '@', ' ']) => Ok(()),
        _ => Err(Problem::new(format!(
            "`{}` is not the URL of a scheduler",
            secret::redact_address(url)
        ))
        .hint("write http://192.168.1.1:10600, or https:// with a web server in front of it")),
    }
}

/// A warning if the token crosses a network in the open.
pub(crate) fn open_network(url: &str) -> Option<Problem> {
    let host = url.strip_prefix("http://")?;
    let is_local = ["127.", "localhost", "[::1]"]
        .iter()
        .any(|name| host.starts_with(name));
    (!is_local).then(|| {
        Problem::new(
            "without HTTPS, everyone on the network path to the scheduler can read the token",
        )
        .hint("put a web server with HTTPS in front of the scheduler, or use a private network")
    })
}

/// The config file of a scheduler.
pub(crate) fn scheduler(address: SocketAddr, client_token: &Token, server_key: &Token) -> String {
    format!(
        "{WRITTEN}scheduler`. It contains secrets.\npublic_addr = {}\n\n[client_auth]\ntype = \"token\"\n\
         token = {}\n\n[server_auth]\ntype = \"jwt_hs256\"\nsecret_key = {}\n",
        quoted(address.to_string()),
        quoted(client_token.value.as_str()),
        quoted(server_key.value.as_str()),
    )
}

/// A build server.
pub(crate) struct Server<'a> {
    pub(crate) scheduler: &'a str,
    pub(crate) address: SocketAddr,
    pub(crate) listen: Option<SocketAddr>,
    pub(crate) token: &'a Token,
    pub(crate) cache_dir: &'a Path,
    pub(crate) cache_size: Option<ByteSize>,
    pub(crate) build_dir: &'a Path,
    pub(crate) bwrap: &'a Path,
}

impl Server<'_> {
    /// Its config file.
    ///
    /// # Errors
    /// If a directory cannot be used.
    pub(crate) fn config(&self) -> Result<String, Problem> {
        check_url(self.scheduler).map_err(Problem::in_arguments)?;
        refuse_directory_in_use(self.build_dir)?;
        let mut text = format!(
            "{WRITTEN}server`. It contains secrets.\npublic_addr = {}\n",
            quoted(self.address.to_string())
        );
        if let Some(listen) = self.listen {
            text.push_str(&format!("bind_address = {}\n", quoted(listen.to_string())));
        }
        text.push_str(&format!(
            "scheduler_url = {}\ncache_dir = {}\n",
            quoted(self.scheduler),
            path_value(self.cache_dir)?
        ));
        if let Some(size) = self.cache_size {
            text.push_str(&format!("toolchain_cache_size = {}\n", size.bytes()));
        }
        text.push_str(&format!(
            "\n[builder]\ntype = \"overlay\"\nbuild_dir = {}\nbwrap_path = {}\n\n[scheduler_auth]\n\
             type = \"jwt_token\"\ntoken = {}\n",
            path_value(self.build_dir)?,
            path_value(self.bwrap)?,
            quoted(self.token.value.as_str())
        ));
        Ok(text)
    }
}

fn path_value(path: &Path) -> Result<String, Problem> {
    let text = path.to_str().filter(|_| path.is_absolute());
    text.map(quoted).ok_or_else(|| {
        Problem::new(format!(
            "{} is not an absolute path in UTF-8",
            path.display()
        ))
        .in_arguments()
        .hint("sccache-dist runs as a service: use absolute paths")
    })
}

/// sccache-dist removes the build directory with its contents when it starts (`OverlayBuilder::cleanup`).
fn refuse_directory_in_use(directory: &Path) -> Result<(), Problem> {
    let names = fsio::names_in(directory);
    let other = names
        .iter()
        .find(|name| !matches!(name.as_str(), "builds" | "toolchains"));
    match other {
        Some(name) => Err(Problem::new(format!(
            "{} contains `{name}`, and sccache-dist would remove the directory when it starts",
            directory.display()
        ))
        .hint("pass a directory that only sccache-dist uses: --build-dir DIR")),
        None => Ok(()),
    }
}
