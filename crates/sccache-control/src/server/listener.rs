//! Which process listens at an address, and how many clients are connected to it. On Linux this is
//! read from the socket tables below `/proc/net`; elsewhere a connection shows only whether anything
//! listens ([`Listener::Unknown`]).

use super::address::Address;
use super::process::Process;
use sccfg_util::fsio;

/// What listens at an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listener {
    /// Nothing; the file of a Unix socket may still exist.
    None,
    /// This process.
    Process(Process),
    /// A process that this user may not inspect.
    Hidden {
        /// The number of its user, if the system tells.
        owner: Option<u32>,
    },
    /// Something may listen; the system does not tell what.
    Unknown,
}

/// A line of `/proc/net/tcp`, `tcp6` or `unix`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Socket {
    state: State,
    inode: u64,
    owner: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Listening,
    Connected,
}

/// How many clients are connected to `address`; `None` where the system does not tell.
pub(super) fn connections(address: &Address) -> Option<usize> {
    let connected = |socket: &&Socket| socket.state == State::Connected;
    Some(sockets(address)?.iter().filter(connected).count())
}

/// The inodes of the sockets that listen at `address`, also of one whose file was replaced.
pub(super) fn listening_inodes(address: &Address) -> Vec<u64> {
    let sockets = sockets(address).unwrap_or_default().into_iter();
    sockets
        .filter(|socket| socket.state == State::Listening)
        .map(|socket| socket.inode)
        .collect()
}

/// What listens at `address`.
#[cfg(target_os = "linux")]
pub fn find_listener(address: &Address) -> Listener {
    let Some(sockets) = sockets(address) else {
        return by_connecting(address);
    };
    let listening = |socket: &&Socket| socket.state == State::Listening;
    let listening: Vec<&Socket> = sockets.iter().filter(listening).collect();
    let inodes: Vec<u64> = listening.iter().map(|socket| socket.inode).collect();
    let (process, owner) = match address {
        Address::Port(_) => {
            let Some(first) = listening.first() else {
                return Listener::None;
            };
            let process = process_with_socket(&inodes, first.owner, address);
            (process, Some(first.owner))
        }
        Address::Socket(path) => {
            let owner = fsio::owner_uid(path);
            let process = match peer::of(path) {
                peer::Peer::None => return Listener::None,
                peer::Peer::Process { pid, owner } => Process::new(pid, owner, &inodes, address),
                peer::Peer::Unknown => {
                    process_with_socket(&inodes, owner.unwrap_or_default(), address)
                }
            };
            (process, owner)
        }
    };
    process.map_or(Listener::Hidden { owner }, Listener::Process)
}

/// What listens at `address`.
#[cfg(not(target_os = "linux"))]
pub fn find_listener(address: &Address) -> Listener {
    by_connecting(address)
}

/// What listens at `address`, where there are no tables.
fn by_connecting(address: &Address) -> Listener {
    use std::net::{SocketAddr, TcpStream};
    use std::os::unix::net::UnixStream;
    let listens = match address {
        Address::Port(port) => {
            let address = SocketAddr::from(([127, 0, 0, 1], *port));
            TcpStream::connect_timeout(&address, std::time::Duration::from_secs(1)).is_ok()
        }
        Address::Socket(path) => UnixStream::connect(path).is_ok(),
    };
    if listens {
        Listener::Unknown
    } else {
        Listener::None
    }
}

/// The process of user `owner` that has one of these sockets open. One that it starts has the socket as well until it
/// executes its program, and may have a smaller number.
#[cfg(target_os = "linux")]
fn process_with_socket(inodes: &[u64], owner: u32, address: &Address) -> Option<Process> {
    const ATTEMPTS: usize = 5;
    let find = || first_with_socket(inodes, owner, address);
    // A process that has just been started may have executed its program, and so closed the socket, while it was compared with the
    // one that started it.
    let still_listens = |found: &Option<Process>| {
        let mut found = found.iter();
        found.all(|found| found.still_listens(address))
    };
    std::iter::repeat_with(find)
        .take(ATTEMPTS)
        .find(still_listens)?
}

/// One search of [`process_with_socket`]. Its result may have closed the socket since.
#[cfg(target_os = "linux")]
fn first_with_socket(inodes: &[u64], owner: u32, address: &Address) -> Option<Process> {
    let with_socket = |pid| {
        let process = Process::new(pid, owner, inodes, address);
        process.filter(Process::has_known_socket)
    };
    let first = fsio::numbers_in("/proc")
        .filter(|pid| fsio::owner_uid(format!("/proc/{pid}")) == Some(owner))
        .find_map(with_socket)?;
    let program = |process: &Process| Some(process.exe()?.id);
    let above = |process: &Process| {
        let parent = with_socket(process.parent()?)?;
        (program(&parent)? == program(process)?).then_some(parent)
    };
    std::iter::successors(Some(first), above).last()
}

/// The sockets at `address`, on the server's side; `None` where there are no tables.
fn sockets(address: &Address) -> Option<Vec<Socket>> {
    let text = |name| Some(String::from_utf8_lossy(&fsio::read_bytes(name)?).into_owned());
    match address {
        Address::Port(port) => {
            let mut sockets = tcp_sockets(&text("/proc/net/tcp")?, *port);
            let tcp6 = text("/proc/net/tcp6").unwrap_or_default();
            sockets.extend(tcp_sockets(&tcp6, *port));
            Some(sockets)
        }
        Address::Socket(path) => {
            let table = text("/proc/net/unix")?;
            Some(unix_sockets(&table, &path.to_string_lossy()))
        }
    }
}

/// `sl local remote st queues timers retransmits uid timeout inode …`
fn tcp_sockets(table: &str, port: u16) -> Vec<Socket> {
    let port = format!(":{port:04X}");
    table
        .lines()
        .skip(1)
        .filter_map(|line| {
            let fields: Vec<&str> = line.split_ascii_whitespace().collect();
            let host = fields.get(1)?.strip_suffix(port.as_str())?;
            let state = match *fields.get(3)? {
                "0A" if host == "0100007F" || host.bytes().all(|digit| digit == b'0') => {
                    State::Listening
                }
                // CLOSE_WAIT: the client exited, and sccache before 0.17 still compiles.
                "01" | "08" => State::Connected,
                _ => return None,
            };
            Some(Socket {
                state,
                owner: fields.get(7)?.parse().ok()?,
                inode: fields.get(9)?.parse().ok()?,
            })
        })
        .collect()
}

/// `Num RefCount Protocol Flags Type St Inode Path`, where the path may contain spaces and the inode
/// is padded to a width of five.
fn unix_sockets(table: &str, path: &str) -> Vec<Socket> {
    let path = match path.strip_prefix("\\x00") {
        Some(name) => format!("@{name}"),
        None => path.to_owned(),
    };
    table
        .lines()
        .skip(1)
        .filter_map(|line| {
            let mut fields = line.splitn(7, ' ');
            let flags = fields.nth(3)?;
            let (inode, at) = fields.nth(2)?.trim_start().split_once(' ')?;
            let accepts = u32::from_str_radix(flags, 16).ok()? & 0x1_0000 != 0;
            (at == path).then_some(Socket {
                state: if accepts {
                    State::Listening
                } else {
                    State::Connected
                },
                inode: inode.parse().ok()?,
                // The table does not tell.
                owner: 0,
            })
        })
        .collect()
}

/// The process at the other end of a Unix socket.
#[cfg(target_os = "linux")]
mod peer {
    use std::path::Path;

    use rustix::io::Errno;
    use rustix::net::{
        AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with, sockopt,
    };

    pub(super) enum Peer {
        None,
        Process { pid: u32, owner: u32 },
        Unknown,
    }

    /// Connects and disconnects: the file alone does not tell whether a server listens.
    pub(super) fn of(path: &Path) -> Peer {
        let text = path.to_string_lossy();
        let address = match text.strip_prefix("\\x00") {
            Some(name) => SocketAddrUnix::new_abstract_name(name.as_bytes()),
            None => SocketAddrUnix::new(path),
        };
        // An empty path would be an unnamed socket.
        let Some(address) = address.ok().filter(|_| !text.is_empty()) else {
            return Peer::None;
        };
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let Ok(socket) = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None) else {
            return Peer::Unknown;
        };
        match connect(&socket, &address) {
            Ok(()) => {}
            Err(Errno::CONNREFUSED | Errno::NOENT | Errno::NOTDIR | Errno::PROTOTYPE) => {
                return Peer::None;
            }
            Err(_) => return Peer::Unknown,
        }
        match sockopt::socket_peercred(&socket) {
            Ok(peer) => Peer::Process {
                pid: peer.pid.as_raw_pid().unsigned_abs(),
                owner: peer.uid.as_raw(),
            },
            Err(_) => Peer::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_shows_whether_anything_listens() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("socket");
        let socket = Address::Socket(path.clone());
        assert_eq!(by_connecting(&socket), Listener::None);
        let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
        assert_eq!(by_connecting(&socket), Listener::Unknown);
        drop(listener);
        assert_eq!(by_connecting(&socket), Listener::None);
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = Address::Port(listener.local_addr().unwrap().port());
        assert_eq!(by_connecting(&port), Listener::Unknown);
        drop(listener);
        assert_eq!(by_connecting(&port), Listener::None);
    }

    #[test]
    fn the_tcp_table_lists_listener_and_clients() {
        let table = "\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1082 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 11 1
   1: 0100007F:1082 0100007F:C001 01 00000000:00000000 00:00000000 00000000  1000        0 12 1
   2: 0100007F:C001 0100007F:1082 01 00000000:00000000 00:00000000 00000000  1000        0 13 1
   3: 0100007F:1082 0100007F:C002 06 00000000:00000000 00:00000000 00000000     0        0 0 1
   4: 0500000A:1082 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 14 1
   5: 0100007F:1083 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 15 1
";
        let socket = |state, inode| Socket {
            state,
            inode,
            owner: 1000,
        };
        assert_eq!(
            tcp_sockets(table, 4226),
            [socket(State::Listening, 11), socket(State::Connected, 12)]
        );
    }

    #[test]
    fn the_table_of_unix_sockets_has_paths_with_spaces() {
        let table = "\
Num       RefCount Protocol Flags    Type St Inode Path
0000000000000000: 00000002 00000000 00010000 0001 01 41234 /run/a b/s.sock
0000000000000000: 00000003 00000000 00000000 0001 03 41235 /run/a b/s.sock
0000000000000000: 00000003 00000000 00000000 0001 03   936
0000000000000000: 00000003 00000000 00000000 0001 03   937 /run/a b/s.sock
0000000000000000: 00000002 00000000 00010000 0001 01 41236 @name
";
        let inodes = |path: &str| -> Vec<(State, u64)> {
            let sockets = unix_sockets(table, path);
            let pair = |socket: &Socket| (socket.state, socket.inode);
            sockets.iter().map(pair).collect()
        };
        assert_eq!(
            inodes("/run/a b/s.sock"),
            [
                (State::Listening, 41234),
                (State::Connected, 41235),
                (State::Connected, 937)
            ]
        );
        assert_eq!(inodes("\\x00name"), [(State::Listening, 41236)]);
    }
}
