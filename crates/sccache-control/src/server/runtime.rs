//! The directory for what lives no longer than a server: locks, memos, sockets.

use std::path::PathBuf;

use super::address::Address;
use sccfg_util::problem::Problem;
use sccfg_util::{env, fsio};

/// The longest path that a Unix socket can have on every system: `sun_path` holds 104 bytes on
/// macOS and 108 on Linux, the last of which ends it.
#[cfg(target_os = "linux")]
pub const LONGEST_SOCKET: usize = 107;
/// The longest path that a Unix socket can have: `sun_path` holds 104 bytes, one of which ends it.
#[cfg(not(target_os = "linux"))]
pub const LONGEST_SOCKET: usize = 103;

/// A directory that belongs to this user, and that nobody else can write to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Runtime {
    directory: PathBuf,
}

impl Runtime {
    /// `sccfg` in `XDG_RUNTIME_DIR` if that is a directory of this user's; else `/tmp/sccfg-<uid>`.
    /// Not in `TMPDIR`: every `nix develop` has one of its own, and all shells have to meet here.
    ///
    /// # Errors
    /// When neither can be made, or somebody else made it first.
    pub fn find() -> Result<Self, Problem> {
        let given = env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
        if let Some(given) = given.filter(|given| given.is_absolute())
            && fsio::is_own_dir(&given)
        {
            let directory = given.join("sccfg");
            if fsio::own_dir(&directory).is_ok() {
                return Ok(Self { directory });
            }
        }
        let directory = shared_dir();
        fsio::own_dir(&directory).map_err(|error| {
            Problem::new(format!(
                "no directory for the server's lock: {} cannot be used: {error}",
                directory.display()
            ))
            .hint("let XDG_RUNTIME_DIR name a directory of your own that you can write to")
        })?;
        Ok(Self { directory })
    }

    /// The lock of the server at `address`.
    pub(super) fn lock(&self, address: &Address) -> PathBuf {
        self.directory.join(address.file_name() + ".lock")
    }

    /// What is remembered of the server at `address`.
    pub(super) fn memo(&self, address: &Address) -> PathBuf {
        self.directory.join(address.file_name() + ".json")
    }

    /// What is kept of builds that go on without sccache.
    pub fn outages(&self) -> PathBuf {
        self.directory.join("outages")
    }

    /// The versions of the programs that were asked.
    pub(super) fn versions(&self) -> PathBuf {
        self.directory.join("versions.json")
    }

    /// The address for clients of `version` alone: a socket, or a port where the path of a socket
    /// would be too long.
    pub fn address_of_version(&self, version: &str) -> Address {
        let name = format!("sccache-{}.sock", plain(version));
        let path = self.directory.join(name);
        if cfg!(unix) && path.as_os_str().len() <= LONGEST_SOCKET {
            return Address::Socket(path);
        }
        Address::Port(port_of_version(version))
    }

    /// Whether `address` is one of [`Runtime::address_of_version`]: not the user's choice.
    pub fn gave(&self, address: &Address) -> bool {
        match address {
            Address::Port(_) => false,
            Address::Socket(path) => {
                let name = path.file_name().map(|name| name.to_string_lossy());
                path.parent() == Some(self.directory.as_path())
                    && name
                        .is_some_and(|name| name.starts_with("sccache-") && name.ends_with(".sock"))
            }
        }
    }
}

/// A port above the ones that systems hand out by themselves on Linux (up to 60999).
pub(super) fn port_of_version(version: &str) -> u16 {
    let spread = super::address::digest(version.as_bytes()) % 4000;
    61_000 + u16::try_from(spread).unwrap_or_default()
}

/// A version as part of a file name.
fn plain(version: &str) -> String {
    let allowed = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+');
    version.chars().filter(allowed).take(32).collect()
}

#[cfg(unix)]
fn shared_dir() -> PathBuf {
    PathBuf::from("/tmp").join(format!("sccfg-{}", fsio::user()))
}

#[cfg(not(unix))]
fn shared_dir() -> PathBuf {
    env::temporary().join("sccfg")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_has_a_socket_or_where_that_is_too_long_a_port() {
        let short = Runtime {
            directory: "/run/user/1000/sccfg".into(),
        };
        let address = short.address_of_version("0.16.0");
        let path = "/run/user/1000/sccfg/sccache-0.16.0.sock";
        assert_eq!(address, Address::Socket(path.into()));
        assert!(short.gave(&address));
        assert!(!short.gave(&Address::Socket("/run/user/1000/sccfg/mine".into())));
        let long = Runtime {
            directory: format!("/{}", "x".repeat(100)).into(),
        };
        let Address::Port(port) = long.address_of_version("0.16.0") else {
            panic!("a socket that nothing can bind");
        };
        assert!((61_000..65_000).contains(&port));
        assert_ne!(long.address_of_version("0.19.0"), Address::Port(port));
        assert_eq!(plain("0.16.0/../x\n"), "0.16.0..x");
    }
}
