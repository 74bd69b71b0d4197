//! Checks whether a server accepts connections and credentials. sccache itself retries Redis and memcached for half a minute,
//! and reports no reason.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs as _};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use super::{BackEnd, Failure, FailureKind};

/// Credentials for a Redis server.
#[derive(Debug, Default)]
pub(super) struct Login {
    pub(super) username: Option<String>,
    pub(super) password: Option<String>,
}

/// The reason why `url`, an address of `back_end`, cannot be used; `None` if none is found. Credentials are checked only for
/// Redis without TLS. A server that does not respond before `deadline` counts as a reason.
pub(super) fn obstacle(
    back_end: &BackEnd,
    url: &str,
    login: &Login,
    deadline: Instant,
) -> Option<Failure> {
    let (host, port) = host_and_port(url, back_end.name)?;
    let kind = match connect(&host, port, deadline) {
        Err(kind) => kind,
        Ok(stream) if back_end.name == "redis" && !is_tls(url) => log_in(stream, login, deadline)?,
        Ok(_) => return None,
    };
    Some(Failure::new(kind, back_end))
}

/// Why no connection to an `http` or `https` URL is accepted before `deadline`; `None` if one is.
pub(crate) fn unreachable(url: &str, deadline: Instant) -> Option<FailureKind> {
    let (host, port) = host_and_port(url, "")?;
    connect(&host, port, deadline).err()
}

fn is_tls(url: &str) -> bool {
    let scheme = url.split_once("://").map_or("", |(scheme, _)| scheme);
    matches!(scheme, "rediss" | "https" | "tls")
}

/// The host and the port of a URL; the port may be the default one of its scheme or back end.
fn host_and_port(url: &str, back_end: &str) -> Option<(String, u16)> {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    if matches!(scheme, "unix" | "redis+unix") || rest.starts_with('/') {
        return None;
    }
    let authority = rest.split(['/', '?', ',']).next()?;
    let host = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    let default = match (scheme, back_end) {
        ("https", _) => 443,
        (_, "redis") => 6379,
        (_, "memcached") => 11211,
        _ => 80,
    };
    let (name, port) = match host.strip_prefix('[') {
        Some(rest) => {
            let (name, port) = rest.split_once(']')?;
            (name, port.strip_prefix(':'))
        }
        None => match host.rsplit_once(':') {
            Some((name, port)) => (name, Some(port)),
            None => (host, None),
        },
    };
    let port = port.map_or(Some(default), |port| port.parse().ok())?;
    (!name.is_empty()).then(|| (name.to_owned(), port))
}

/// The time until `deadline`, which is never zero.
fn left(deadline: Instant) -> Duration {
    let left = deadline.saturating_duration_since(Instant::now());
    left.max(Duration::from_millis(1))
}

fn connect(host: &str, port: u16, deadline: Instant) -> Result<TcpStream, FailureKind> {
    let mut last = FailureKind::NameNotFound;
    for address in resolve(host, port, deadline)? {
        match TcpStream::connect_timeout(&address, left(deadline)) {
            Ok(stream) => return Ok(stream),
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                last = FailureKind::ConnectionRefused;
            }
            Err(_) => last = FailureKind::TimedOut,
        }
    }
    Err(last)
}

/// The addresses of a host. The system's resolver has no time limit, so it runs in a thread.
fn resolve(host: &str, port: u16, deadline: Instant) -> Result<Vec<SocketAddr>, FailureKind> {
    let (sender, receiver) = mpsc::channel();
    let host = host.to_owned();
    thread::spawn(move || {
        let found = (host.as_str(), port)
            .to_socket_addrs()
            .map(Iterator::collect);
        let _ = sender.send(found);
    });
    match receiver.recv_timeout(left(deadline)) {
        Ok(Ok(addresses)) => Ok(addresses),
        Ok(Err(_)) => Err(FailureKind::NameNotFound),
        Err(_) => Err(FailureKind::TimedOut),
    }
}

/// The error with which a Redis server rejects these credentials or a `PING`; `None` if it accepts both.
fn log_in(mut stream: TcpStream, login: &Login, deadline: Instant) -> Option<FailureKind> {
    let mut send = |words: &[&str]| -> io::Result<String> {
        let mut request = format!("*{}\r\n", words.len());
        for word in words {
            request.push_str(&format!("${}\r\n{word}\r\n", word.len()));
        }
        stream.set_write_timeout(Some(left(deadline)))?;
        stream.set_read_timeout(Some(left(deadline)))?;
        stream.write_all(request.as_bytes())?;
        let mut reply = [0; 512];
        let length = stream.read(&mut reply)?;
        Ok(String::from_utf8_lossy(&reply[..length]).into_owned())
    };
    let mut replies = Vec::new();
    if let Some(password) = &login.password {
        let reply = match &login.username {
            Some(username) => send(&["AUTH", username, password]),
            None => send(&["AUTH", password]),
        };
        // A server without a password rejects `AUTH`, but accepts other commands.
        replies.push(reply.map(|reply| match reply {
            reply if reply.contains("no password is set") => "+OK".to_owned(),
            reply => reply,
        }));
    }
    replies.push(send(&["PING"]));
    replies.into_iter().find_map(|reply| match reply {
        Err(error) if is_timeout(&error) => Some(FailureKind::TimedOut),
        // The server is shutting down.
        Err(_) => Some(FailureKind::ConnectionRefused),
        Ok(reply) if reply.starts_with("-WRONGPASS") || reply.starts_with("-NOAUTH") => {
            Some(FailureKind::WrongCredentials)
        }
        Ok(reply) if reply.starts_with("-ERR invalid password") => {
            Some(FailureKind::WrongCredentials)
        }
        Ok(_) => None,
    })
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_host_and_a_port() {
        let found = |url, back_end| host_and_port(url, back_end);
        let at = |host: &str, port| Some((host.to_owned(), port));
        assert_eq!(found("redis://me:p@ss@h/1", "redis"), at("h", 6379));
        assert_eq!(found("rediss://h:7000", "redis"), at("h", 7000));
        assert_eq!(found("redis://[::1]:7000/", "redis"), at("::1", 7000));
        assert_eq!(found("tcp://h", "memcached"), at("h", 11211));
        assert_eq!(found("h:11212", "memcached"), at("h", 11212));
        assert_eq!(found("https://h/dav?x=1", "webdav"), at("h", 443));
        assert_eq!(found("redis+unix:///run/s", "redis"), None);
        assert_eq!(found("/run/s", "memcached"), None);
        assert_eq!(found("redis://:1", "redis"), None);
    }
}
