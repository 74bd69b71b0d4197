//! The address at which a server listens.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::PathBuf;

/// The variable that names a Unix socket; it takes precedence over [`PORT`].
pub const SOCKET: &str = "SCCACHE_SERVER_UDS";
/// The variable that names a TCP port of localhost.
pub const PORT: &str = "SCCACHE_SERVER_PORT";
/// sccache's default port (`DEFAULT_PORT` in its `commands.rs`).
const DEFAULT_PORT: u16 = 4226;

/// An address as sccache reads it from the environment (`get_addr` in its `commands.rs`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// A TCP port of 127.0.0.1, which every user of the machine can reach.
    Port(u16),
    /// A Unix socket.
    Socket(PathBuf),
}

impl Address {
    /// The address that these values of [`SOCKET`] and [`PORT`] mean. sccache uses an empty socket
    /// path unchanged, and silently uses its default port if the number is invalid. A relative path starts at
    /// the current directory, as for sccache; a server that sccfg starts has another one.
    pub fn from_variables(socket: Option<OsString>, port: Option<&OsStr>) -> Self {
        match socket {
            // `\x00name` is no path.
            Some(path) if path.as_encoded_bytes().starts_with(b"\\") => Self::Socket(path.into()),
            Some(path) => {
                let path = PathBuf::from(path);
                Self::Socket(std::path::absolute(&path).unwrap_or(path))
            }
            None => Self::Port(
                port.and_then(|port| port.to_str()?.parse().ok())
                    .unwrap_or(DEFAULT_PORT),
            ),
        }
    }

    /// The variables for this address; one with `None` has to be unset.
    pub fn variables(&self) -> [(&'static str, Option<OsString>); 2] {
        match self {
            Self::Port(port) => [(SOCKET, None), (PORT, Some(port.to_string().into()))],
            Self::Socket(path) => [(SOCKET, Some(path.into())), (PORT, None)],
        }
    }

    /// `{"port": 4226}` or `{"socket": "/path"}`
    pub fn json(&self) -> serde_json::Value {
        match self {
            Self::Port(port) => serde_json::json!({ "port": port }),
            Self::Socket(path) => serde_json::json!({ "socket": path.to_string_lossy() }),
        }
    }

    /// A file name, without extension, for files about this address.
    pub(super) fn file_name(&self) -> String {
        match self {
            Self::Port(port) => format!("port-{port}"),
            Self::Socket(path) => {
                format!(
                    "socket-{:016x}",
                    digest(path.as_os_str().as_encoded_bytes())
                )
            }
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Port(port) => write!(f, "port {port}"),
            Self::Socket(path) => write!(f, "socket {}", path.display()),
        }
    }
}

/// FNV-1a: the same in every build of sccfg, unlike the standard library's hashes.
pub(super) fn digest(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_read_as_sccache_reads_them() {
        let read = |socket: Option<&str>, port: Option<&str>| {
            Address::from_variables(socket.map(Into::into), port.map(OsStr::new))
        };
        assert_eq!(read(None, None), Address::Port(4226));
        assert_eq!(read(None, Some("5000")), Address::Port(5000));
        assert_eq!(read(None, Some("many")), Address::Port(4226));
        assert_eq!(read(Some("/s"), Some("5000")), Address::Socket("/s".into()));
        assert_eq!(read(Some(""), None), Address::Socket("".into()));
        let here = sccfg_util::env::current_dir().unwrap();
        assert_eq!(read(Some("s"), None), Address::Socket(here.join("s")));
        let name = "\\x00sccache";
        assert_eq!(read(Some(name), None), Address::Socket(name.into()));
    }
}
