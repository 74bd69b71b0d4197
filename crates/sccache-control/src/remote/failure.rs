//! Why a back end does not work, from what sccache prints.

use serde::Serialize;

use super::BackEnd;

/// What is wrong with a back end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureKind {
    /// Its host name does not resolve.
    NameNotFound,
    /// Nothing listens at its address.
    ConnectionRefused,
    /// There was no answer in time.
    TimedOut,
    /// The TLS handshake failed.
    Tls,
    /// It rejects the password, token or key.
    WrongCredentials,
    /// sccache found no credentials.
    NoCredentials,
    /// Its bucket or container does not exist.
    NoSuchBucket,
    /// These credentials may not read.
    Denied,
    /// It is a cluster, and is addressed as one server.
    Cluster,
    /// sccache rejects its settings.
    Settings,
    /// This sccache was compiled without it.
    NotCompiledIn,
    /// Entries cannot be written.
    ReadOnly,
    /// An entry that one server stored is not found by another.
    NotFoundAgain,
    /// Any other failure; [`Failure::what`] contains sccache's message.
    Other,
}

/// Why a back end does not work, for a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// The kind, for scripts.
    pub kind: FailureKind,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub hint: String,
}

impl Failure {
    pub(super) fn new(kind: FailureKind, back_end: &BackEnd) -> Self {
        Self::with(kind, back_end, "")
    }

    /// As [`Self::new`]; `message` is appended if the kind alone does not describe the failure.
    pub(super) fn with(kind: FailureKind, back_end: &BackEnd, message: &str) -> Self {
        let (what, hint) = words_for(kind, back_end);
        let what = match kind {
            FailureKind::Other | FailureKind::Settings if !message.is_empty() => {
                format!("{what}: {message}")
            }
            _ => what,
        };
        Self { kind, what, hint }
    }

    /// The failure that sccache's output reports. `summary` is one line of the output, without secrets.
    pub(super) fn of_output(output: &str, summary: &str, back_end: &BackEnd) -> Self {
        Self::with(kind_of(output), back_end, summary)
    }
}

/// The kind of failure in the output of sccache and its libraries (reqwest, OpenSSL, opendal).
fn kind_of(output: &str) -> FailureKind {
    const PATTERNS: [(&str, FailureKind); 31] = [
        (
            "not supported with current feature configuration",
            FailureKind::NotCompiledIn,
        ),
        ("failed to load config", FailureKind::Settings),
        ("key moved", FailureKind::Cluster),
        ("clusterdown", FailureKind::Cluster),
        ("dns error", FailureKind::NameNotFound),
        ("failed to lookup address", FailureKind::NameNotFound),
        ("name or service not known", FailureKind::NameNotFound),
        ("connection refused", FailureKind::ConnectionRefused),
        ("certificate", FailureKind::Tls),
        ("ssl routines", FailureKind::Tls),
        ("tls handshake", FailureKind::Tls),
        ("invalidcontenttype", FailureKind::Tls),
        ("loading credential", FailureKind::NoCredentials),
        ("signaturedoesnotmatch", FailureKind::WrongCredentials),
        ("invalidaccesskeyid", FailureKind::WrongCredentials),
        ("authenticationfailed", FailureKind::WrongCredentials),
        // Azurite's code for it is that of a missing permission.
        (
            "failed to authenticate the request",
            FailureKind::WrongCredentials,
        ),
        ("wrongpass", FailureKind::WrongCredentials),
        ("noauth", FailureKind::WrongCredentials),
        ("invalid_grant", FailureKind::WrongCredentials),
        ("status: 401", FailureKind::WrongCredentials),
        ("unauthorized", FailureKind::WrongCredentials),
        ("nosuchbucket", FailureKind::NoSuchBucket),
        ("containernotfound", FailureKind::NoSuchBucket),
        ("bucket does not exist", FailureKind::NoSuchBucket),
        ("accessdenied", FailureKind::Denied),
        ("permissiondenied", FailureKind::Denied),
        ("status: 403", FailureKind::Denied),
        ("timed out", FailureKind::TimedOut),
        ("operation timed out", FailureKind::TimedOut),
        ("configinvalid", FailureKind::Settings),
    ];
    let output = output.to_lowercase();
    let found = PATTERNS.iter().find(|(words, _)| output.contains(words));
    found.map_or(FailureKind::Other, |(_, kind)| *kind)
}

fn words_for(kind: FailureKind, back_end: &BackEnd) -> (String, String) {
    let table = back_end.name;
    let secrets: Vec<&str> = back_end.secrets.iter().map(|(_, name)| *name).collect();
    let secrets = secrets.join(" and ");
    let address = match back_end.address {
        Some(key) => format!("`cache.{table}.{key}`"),
        None => "its address".to_owned(),
    };
    let (what, hint) = match kind {
        FailureKind::NameNotFound => ("its host name is not found", format!("check {address}")),
        FailureKind::ConnectionRefused => (
            "the connection is refused",
            format!("start the server, or check {address}"),
        ),
        FailureKind::TimedOut => (
            "it does not answer in time",
            format!("check {address}, the firewall and the login, or allow more time with --limit"),
        ),
        FailureKind::Tls => (
            "the TLS connection fails",
            format!(
                "check http or https in {address}, and that the certificate is trusted (SSL_CERT_FILE)"
            ),
        ),
        FailureKind::WrongCredentials => (
            "the password, token or key is wrong",
            match table {
                "s3" => format!("check {secrets}, or the profile in ~/.aws/credentials"),
                "gcs" => "check the file in `cache.gcs.cred_path`".to_owned(),
                _ => format!("store the right one: sccfg remote add {table} --secret-file FILE"),
            },
        ),
        FailureKind::NoCredentials => (
            "there are no credentials",
            match table {
                "s3" => format!("set {secrets}, or write them to ~/.aws/credentials"),
                _ => format!("set {secrets}"),
            },
        ),
        FailureKind::NoSuchBucket => (
            "the bucket or container does not exist",
            "create it, or correct its name".to_owned(),
        ),
        FailureKind::Denied => (
            "these credentials may not read it",
            "allow them to read, list and write objects".to_owned(),
        ),
        FailureKind::Cluster => (
            "it is a node of a cluster, or the cluster is not ready",
            format!(
                "name several of its nodes: sccfg remote add {table} redis://HOST1:6379,redis://HOST2:6379"
            ),
        ),
        FailureKind::Settings => (
            "sccache rejects its settings",
            "run `sccfg config check`".to_owned(),
        ),
        FailureKind::NotCompiledIn => (
            "this sccache was compiled without it",
            format!(
                "use sccache of nixpkgs, or compile it with the feature: cargo install sccache --features {table}"
            ),
        ),
        FailureKind::ReadOnly => (
            "it cannot be written",
            format!(
                "allow these credentials to write, or write rw_mode = \"READ_ONLY\" into [cache.{table}]"
            ),
        ),
        FailureKind::NotFoundAgain => (
            "a stored entry is not found again",
            "look for a limit of memory, an expiration, or several servers behind one address"
                .to_owned(),
        ),
        FailureKind::Other => (
            "sccache cannot use it",
            "run `sccache --start-server` with SCCACHE_LOG=debug for details".to_owned(),
        ),
    };
    (what.to_owned(), hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_is_read_from_what_sccache_0_16_prints() {
        for (output, kind) in [
            (
                "read failed: S3Error { code: \"SignatureDoesNotMatch\", message: \"…\" } status: 403",
                FailureKind::WrongCredentials,
            ),
            (
                "ConfigInvalid (permanent) at read => S3Error { code: \"NoSuchBucket\" }",
                FailureKind::NoSuchBucket,
            ),
            (
                "client error (Connect): tcp connect error: Connection refused (os error 111)",
                FailureKind::ConnectionRefused,
            ),
            (
                "client error (Connect): error:0A0000C6:SSL routines:tls_get_more_records",
                FailureKind::Tls,
            ),
            (
                "called: reqsign::LoadCredential, loading credential",
                FailureKind::NoCredentials,
            ),
            (
                "Unauthorized: response: Parts { status: 401 }",
                FailureKind::WrongCredentials,
            ),
            (
                "AzblobError { code: \"AuthorizationFailure\", message: \"Server failed to authenticate the request. \
                 Make sure the value of the Authorization header is formed correctly including the signature.\" }",
                FailureKind::WrongCredentials,
            ),
            (
                "PermissionDenied (permanent) at read: AccessDenied",
                FailureKind::Denied,
            ),
            (
                "Unexpected (temporary) at read => key moved",
                FailureKind::Cluster,
            ),
            (
                "Server startup failed: Cache type not supported with current feature configuration",
                FailureKind::NotCompiledIn,
            ),
            ("get connection from pool failed", FailureKind::Other),
        ] {
            assert_eq!(kind_of(output), kind, "{output}");
        }
    }
}
