//! The directory for files that are useless once a server has exited: locks, probe caches, sockets.

use std::path::PathBuf;

use super::address::{Address, digest};
use crate::config::version::{Version, parse_version};
use sccfg_util::problem::Problem;
use sccfg_util::{env, fsio};

/// The longest path of a Unix socket: `sun_path` has 108 bytes on Linux and 104 on macOS, one of
/// which is the terminating zero.
pub const MAX_SOCKET_PATH: usize = if cfg!(target_os = "linux") { 107 } else { 103 };

/// The first port for the servers of one version: above those that Linux assigns by itself (up to
/// 60999).
const FIRST_VERSION_PORT: u16 = 61_000;
/// How many ports there are for them.
const VERSION_PORTS: u64 = 4000;

/// The first sccache that reads `SCCACHE_SERVER_UDS`.
const FIRST_VERSION_WITH_SOCKETS: Version = Version::new(0, 9, 0);

/// A directory of this user, in which no other user can write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuntimeDir {
    directory: PathBuf,
}

impl RuntimeDir {
    /// `sccfg` in `XDG_RUNTIME_DIR` if that is a directory of this user, otherwise
    /// `/tmp/sccfg-<uid>`. `TMPDIR` is not used: every `nix develop` has its own, and all shells
    /// have to share this directory.
    ///
    /// # Errors
    /// When neither can be created, or `/tmp/sccfg-<uid>` belongs to another user.
    pub fn find() -> Result<Self, Problem> {
        let given = env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
        if let Some(given) = given.filter(|given| given.is_absolute())
            && fsio::is_own_dir(&given)
        {
            let directory = given.join("sccfg");
            if fsio::create_private_dir(&directory).is_ok() {
                return Ok(Self { directory });
            }
        }
        let directory = PathBuf::from(format!("/tmp/sccfg-{}", fsio::current_uid()));
        fsio::create_private_dir(&directory).map_err(|error| {
            Problem::new(format!(
                "could not create {}, the directory for locks: {error}",
                directory.display()
            ))
            .hint("set XDG_RUNTIME_DIR to a writable directory of your own")
        })?;
        Ok(Self { directory })
    }

    /// The lock file of the server at `address`.
    pub(super) fn lock(&self, address: &Address) -> PathBuf {
        self.directory.join(address.file_name() + ".lock")
    }

    /// The probe cache of the server at `address`.
    pub(super) fn probe_cache(&self, address: &Address) -> PathBuf {
        self.directory.join(address.file_name() + ".json")
    }

    /// The directory for the marks of builds that continue without sccache.
    pub fn outages(&self) -> PathBuf {
        self.directory.join("outages")
    }

    /// The file with the versions of known programs.
    pub(super) fn versions(&self) -> PathBuf {
        self.directory.join("versions.json")
    }

    /// The address for clients of `version` only: a socket, or a port if the path of the socket
    /// would be too long, or if this version knows no sockets.
    pub(super) fn address_of_version(&self, version: &str) -> Address {
        let name = format!("sccache-{}.sock", as_file_name(version));
        let path = self.directory.join(name);
        if path.as_os_str().len() <= MAX_SOCKET_PATH && knows_sockets(version) {
            return Address::Socket(path);
        }
        let offset = u16::try_from(digest(version.as_bytes()) % VERSION_PORTS);
        Address::Port(FIRST_VERSION_PORT + offset.unwrap_or_default())
    }

    /// Whether `address` is the socket of a version, and therefore not chosen by the user.
    pub fn is_socket_of_version(&self, address: &Address) -> bool {
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

/// Whether sccache of this version reads `SCCACHE_SERVER_UDS`.
pub(super) fn knows_sockets(version: &str) -> bool {
    parse_version(version).is_none_or(|version| version >= FIRST_VERSION_WITH_SOCKETS)
}

/// The characters of a version that are safe in a file name.
fn as_file_name(version: &str) -> String {
    let allowed = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+');
    version.chars().filter(allowed).take(32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_has_a_socket_or_a_port_if_the_path_is_too_long() {
        let short = RuntimeDir {
            directory: "/run/user/1000/sccfg".into(),
        };
        let address = short.address_of_version("0.16.0");
        let path = "/run/user/1000/sccfg/sccache-0.16.0.sock";
        assert_eq!(address, Address::Socket(path.into()));
        assert!(short.is_socket_of_version(&address));
        assert!(!short.is_socket_of_version(&Address::Socket("/run/user/1000/sccfg/mine".into())));
        let long = RuntimeDir {
            directory: format!("/{}", "x".repeat(100)).into(),
        };
        let Address::Port(port) = long.address_of_version("0.16.0") else {
            panic!("the path is too long for a socket");
        };
        assert!((61_000..65_000).contains(&port));
        assert_ne!(long.address_of_version("0.19.0"), Address::Port(port));
        // An older one would use its default port, whatever the variable says.
        for old in ["0.8.2", "0.8.2-alpha.0"] {
            assert!(matches!(short.address_of_version(old), Address::Port(_)));
        }
        for new in ["0.9.0", "0.9.1", "0.10.0", "1.0.0", "fork"] {
            assert!(matches!(short.address_of_version(new), Address::Socket(_)));
        }
        assert_eq!(as_file_name("0.16.0/../x\n"), "0.16.0..x");
    }
}
