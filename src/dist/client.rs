//! The lines of the client in sccache's config file, between two markers.
//!
//! ```toml
//! # >>> sccfg >>> distributed compilation; undo it by `sccfg dist client --remove`
//! [dist]
//! scheduler_url = "http://192.168.1.1:10600"
//!
//! [dist.auth]
//! type = "token"
//! token = "…" # copied from /run/secrets/dist
//! # <<< sccfg <<<
//! ```

use std::path::Path;

use toml_edit::{ArrayOfTables, Item};

use super::{Token, quoted};
use crate::cargo_config::marked;
use sccache_control::config::{check, toml};
use sccfg_util::problem::{Place, Problem};
use sccfg_util::size::ByteSize;

const START: &str =
    "# >>> sccfg >>> distributed compilation; undo it by `sccfg dist client --remove`";

/// A client.
pub(crate) struct Client<'a> {
    pub(crate) scheduler: &'a str,
    pub(crate) token: &'a Token,
    pub(crate) cache_size: Option<ByteSize>,
}

/// A compiler that is packed in an archive (`path_override` of sccache).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Toolchain {
    pub(crate) compiler: String,
    pub(crate) archive: String,
    /// The compiler in the archive.
    pub(crate) inside: String,
}

impl Toolchain {
    fn lines(&self) -> Vec<String> {
        vec![
            String::new(),
            "[[dist.toolchains]]".to_owned(),
            "type = \"path_override\"".to_owned(),
            format!("compiler_executable = {}", quoted(self.compiler.as_str())),
            format!("archive = {}", quoted(self.archive.as_str())),
            format!(
                "archive_compiler_executable = {}",
                quoted(self.inside.as_str())
            ),
        ]
    }
}

/// `text`, the contents of the config file at `path`, with `client` and the toolchains that it has already.
///
/// # Errors
/// If it has a table `[dist]` of the user's own, or sccache would reject the result.
pub(crate) fn with_client(text: &str, path: &Path, client: &Client<'_>) -> Result<String, Problem> {
    let mut lines = vec![
        "[dist]".to_owned(),
        format!("scheduler_url = {}", quoted(client.scheduler)),
    ];
    if let Some(size) = client.cache_size {
        lines.push(format!("toolchain_cache_size = {}", size.bytes()));
    }
    let from = client.token.path.display().to_string();
    let comment = if from.chars().any(char::is_control) {
        String::new()
    } else {
        format!(" # copied from {from}")
    };
    lines.extend([
        String::new(),
        "[dist.auth]".to_owned(),
        "type = \"token\"".to_owned(),
        format!("token = {}{comment}", quoted(client.token.value.as_str())),
    ]);
    for toolchain in toolchains(text, path)? {
        lines.extend(toolchain.lines());
    }
    replaced(text, path, &lines)
}

impl Toolchain {
    /// `text`, the contents of the config file at `path`, with these toolchains.
    ///
    /// # Errors
    /// If it has no client, or sccache would reject the result.
    pub(crate) fn add_all(new: &[Self], text: &str, path: &Path) -> Result<String, Problem> {
        let Some((_, inside)) = marked::find(text, START) else {
            return Err(
                Problem::new(format!("{} names no scheduler", path.display()))
                    .hint("set one: sccfg dist client URL --token-file FILE"),
            );
        };
        let mut lines: Vec<String> = inside
            .lines()
            .map(str::to_owned)
            .take_while(|line| line != "[[dist.toolchains]]")
            .collect();
        while lines.last().is_some_and(String::is_empty) {
            lines.pop();
        }
        let is_new = |old: &Self| new.iter().all(|new| new.compiler != old.compiler);
        let old = toolchains(text, path)?.into_iter().filter(is_new);
        for toolchain in old.chain(new.iter().cloned()) {
            lines.extend(toolchain.lines());
        }
        replaced(text, path, &lines)
    }
}

/// `text`, the contents of the config file at `path`, without the client; `None` if it has none.
///
/// # Errors
/// If a marker is missing or was edited.
pub(crate) fn without_client(text: &str, path: &Path) -> Result<Option<String>, Problem> {
    marked::check(text, path, &[START])?;
    let found = marked::find(text, START);
    Ok(found.map(|(range, _)| format!("{}{}", &text[..range.start], &text[range.end..])))
}

fn replaced(text: &str, path: &Path, lines: &[String]) -> Result<String, Problem> {
    let stripped = without_client(text, path)?;
    let rest = stripped.as_deref().unwrap_or(text);
    let document = toml::parse(rest, path)?;
    if let Some((key, _)) = toml::find(document.as_table(), &["dist"]) {
        let place = Place::at(path, rest, key.span().map_or(0, |span| span.start));
        return Err(Problem::new("the file already has a table `dist`")
            .at(place)
            .hint("remove it, or change it: sccfg config set dist.scheduler_url URL"));
    }
    let after = marked::insert(rest, rest.len(), START, lines);
    match check::first_fault(&after, path) {
        Some(fault) => Err(Problem {
            what: format!("sccache would reject the result: {}", fault.what),
            ..fault
        }),
        None => Ok(after),
    }
}

fn toolchains(text: &str, path: &Path) -> Result<Vec<Toolchain>, Problem> {
    let Some((_, inside)) = marked::find(text, START) else {
        return Ok(Vec::new());
    };
    let document = toml::parse(inside, path)?;
    let tables = toml::find(document.as_table(), &["dist", "toolchains"])
        .and_then(|(_, item)| item.as_array_of_tables());
    let toolchain = |table: &toml_edit::Table| {
        let value = |key| table.get(key).and_then(Item::as_str).map(str::to_owned);
        Some(Toolchain {
            compiler: value("compiler_executable")?,
            archive: value("archive")?,
            inside: value("archive_compiler_executable")?,
        })
    };
    Ok(tables
        .into_iter()
        .flat_map(ArrayOfTables::iter)
        .filter_map(toolchain)
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    const TEXT: &str = "# mine\n[cache.disk]\nsize = \"24G\" # enough\n";

    fn client(text: &str) -> Result<String, Problem> {
        let token = Token {
            value: "a-token".to_owned(),
            path: PathBuf::from("/run/secrets/dist"),
        };
        let client = Client {
            scheduler: "http://127.0.0.1:10600",
            token: &token,
            cache_size: None,
        };
        with_client(text, Path::new("config"), &client)
    }

    #[test]
    fn a_client_is_added_and_removed_byte_for_byte() {
        for text in [TEXT, "", &TEXT.replace('\n', "\r\n"), TEXT.trim_end()] {
            let after = client(text).unwrap();
            assert!(after.contains("[dist.auth]"), "{after}");
            assert_eq!(client(&after).unwrap(), after, "it is rendered once");
            let without = without_client(&after, Path::new("config")).unwrap();
            assert_eq!(without.as_deref(), Some(text));
        }
    }

    #[test]
    fn toolchains_stay_when_the_scheduler_changes() {
        let toolchain = Toolchain {
            compiler: "/nix/store/a/bin/cc".to_owned(),
            archive: "/a.tar.gz".to_owned(),
            inside: "/nix/store/a/bin/cc".to_owned(),
        };
        let path = Path::new("config");
        let after = client(TEXT).unwrap();
        let with = Toolchain::add_all(std::slice::from_ref(&toolchain), &after, path).unwrap();
        assert_eq!(
            toolchains(&with, path).unwrap(),
            std::slice::from_ref(&toolchain)
        );
        assert_eq!(client(&with).unwrap(), with);
        assert_eq!(
            Toolchain::add_all(&[toolchain], &with, path).unwrap(),
            with,
            "a compiler is named once"
        );
        let without = without_client(&with, path).unwrap();
        assert_eq!(without.as_deref(), Some(TEXT));
    }

    #[test]
    fn a_table_that_the_user_wrote_is_not_changed() {
        let problem = client("[dist]\nrewrite_includes_only = true\n").unwrap_err();
        assert!(problem.to_string().starts_with("config:1:"), "{problem}");
    }
}
