//! `.envrc`: direnv enters the dev shell, and again when something that decides about it changes.
//!
//! ```sh
//! # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
//! use flake
//! watch_file sccfg.toml
//! if has sccfg; then watch_file "$(sccfg config path)"; fi
//! # <<< sccfg <<<
//! ```
//!
//! `use flake` is direnv's own, or nix-direnv's, which stands in its place for whoever has it and
//! watches `flake.nix` and `flake.lock` by itself. The region stands last, so that what the user
//! loads (`source_url …/direnvrc`) is there; a `use flake` of theirs is not repeated.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::{Plan, Repository, What};
use crate::flake::region::{self, INLINE};
use crate::flake::strip;
use crate::policy::Policy;
use crate::problem::Problem;
use crate::{env, fsio, render};

const NAME: &str = ".envrc";

/// Whether there is to be a region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    /// There is.
    Manage,
    /// Where there was one.
    AsItIs,
}

/// Plans to write `.envrc`, to complete it, or to render its region again. The shells of the plan
/// are known by now.
pub(super) fn manage(
    plan: &mut Plan,
    repository: &Repository,
    policy: &Policy,
    wish: Wish,
) -> Result<()> {
    let before = repository.read_file(NAME)?;
    let text = before.as_deref().unwrap_or_default();
    // A damaged region is refused here.
    let stripped = strip(Path::new(NAME), text)?;
    let region = region::first(text);
    if region.is_none() && wish == Wish::AsItIs {
        return Ok(());
    }
    let enters = Enters::of(&stripped);
    let wanted = Region {
        enter: enters == Enters::Nothing,
        policy,
        watched: watched(plan),
    };
    let after = match (region, &before) {
        (Some(region), _) => {
            let record = record(&text[region.clone()]);
            let rendered = wanted.render(record)?;
            format!("{}{rendered}{}", &text[..region.start], &text[region.end..])
        }
        (None, None) => wanted.render(None)?,
        (None, Some(text)) => {
            let kept = text.trim_ascii_end();
            let tail = serde_json::Value::from(&text[kept.len()..]);
            let space = if kept.is_empty() { "" } else { "\n\n" };
            let rendered = wanted.render(Some(&format!("{INLINE}{tail}")))?;
            format!("{kept}{space}{rendered}")
        }
    };
    if before.as_deref() == Some(after.as_str()) {
        return Ok(());
    }
    if let Enters::Other(line) = &enters {
        plan.warnings.push(
            Problem::new(format!(
                "{NAME} enters a shell with `{line}`, not the flake's: that stays"
            ))
            .hint("put `use flake` in its place for the dev shell that sccfg manages"),
        );
    }
    let summary = match enters {
        Enters::Nothing => "enters the dev shell",
        Enters::Flake | Enters::Other(_) => "watches what decides about the dev shell",
    };
    let path = repository.path(NAME);
    plan.change(What::Envrc, path, before, Some(after), summary);
    plan.next
        .push("let direnv load it: direnv allow".to_owned());
    if !has_nix_direnv() {
        plan.next.push(
            "nix-direnv keeps the shell between two visits: \
             https://github.com/nix-community/nix-direnv"
                .to_owned(),
        );
    }
    Ok(())
}

/// Plans to take the region out; a file that had nothing before goes.
pub(super) fn remove(plan: &mut Plan, repository: &Repository) -> Result<(), Problem> {
    let Some(text) = repository.read_file(NAME)? else {
        return Ok(());
    };
    let Some(region) = region::first(&text) else {
        return strip(Path::new(NAME), &text).map(drop);
    };
    let is_ours = record(&text[region.clone()]).is_none();
    let (head, rest) = text.split_at(region.end);
    let mut stripped = strip(Path::new(NAME), head)?;
    if !rest.is_empty() {
        // Somebody wrote on below the region, and had a new line there.
        if !stripped.is_empty() && !stripped.ends_with('\n') {
            stripped.push('\n');
        }
        stripped.push_str(&strip(Path::new(NAME), rest)?);
    }
    let after = (!is_ours || !stripped.is_empty()).then_some(stripped);
    plan.change(
        What::Envrc,
        repository.path(NAME),
        Some(text),
        after,
        "as it was",
    );
    Ok(())
}

/// What a region says.
struct Region<'a> {
    enter: bool,
    policy: &'a Policy,
    watched: Vec<String>,
}

impl Region<'_> {
    fn render(&self, record: Option<&str>) -> Result<String> {
        render::render(
            crate::template!("envrc"),
            serde_json::json!({
                "record": record,
                "use": self.enter.then(|| use_flake(self.policy)),
                "watched": self.watched.join(" "),
            }),
        )
    }
}

/// `use flake`, with the shell's name where that is not `default`.
fn use_flake(policy: &Policy) -> String {
    let names = &policy.shell.names;
    match names.first() {
        Some(first) if !names.iter().any(|name| name.as_str() == "default") => {
            format!("use flake {}", quoted(&format!(".#{first}")))
        }
        _ => "use flake".to_owned(),
    }
}

/// Files beside `flake.nix` that decide about the shell.
fn watched(plan: &Plan) -> Vec<String> {
    let mut files: Vec<String> = plan
        .shells
        .iter()
        .map(|shell| &shell.place.path)
        .filter(|path| *path != Path::new("flake.nix"))
        .map(|path| quoted(&path.to_string_lossy()))
        .collect();
    files.sort();
    files.dedup();
    files.insert(0, crate::policy::FILE_NAME.to_owned());
    files
}

/// A word for the shell.
fn quoted(word: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/#".contains(&byte);
    if word.bytes().all(is_plain) && !word.starts_with('#') {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// Which shell the user's own lines enter.
#[derive(Debug, PartialEq, Eq)]
enum Enters {
    Flake,
    Other(String),
    Nothing,
}

impl Enters {
    /// Looks for `use flake` and its kin, also behind `&&` and in conditions; what looks like it is
    /// taken for it, since entering twice is worse than not at all.
    fn of(text: &str) -> Self {
        let mut other = None;
        for line in text.lines() {
            let line = line.trim();
            if line.starts_with('#') {
                continue;
            }
            let words: Vec<&str> = line
                .split(|c: char| c.is_whitespace() || ";&|(){}".contains(c))
                .filter(|word| !word.is_empty())
                .collect();
            let has = |name: &str| {
                words.contains(&format!("use_{name}").as_str())
                    || words.windows(2).any(|pair| pair == ["use", name])
            };
            if has("flake") {
                return Self::Flake;
            }
            if ["nix", "devenv", "guix"].into_iter().any(has) {
                other.get_or_insert_with(|| line.to_owned());
            }
        }
        other.map_or(Self::Nothing, Self::Other)
    }
}

/// The line of the region that says what stood in its place.
fn record(region: &str) -> Option<&str> {
    let line = region.lines().nth(1)?.trim();
    line.starts_with(INLINE).then_some(line)
}

/// Whether the user loads nix-direnv for every project: from `direnvrc`, or a file below `lib`, as
/// home-manager does.
fn has_nix_direnv() -> bool {
    let Some(home) = env::home_dir() else {
        return false;
    };
    let config = env::var_os("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
        .unwrap_or_else(|| home.join(".config"))
        .join("direnv");
    let lib = config.join("lib");
    let in_lib = fsio::names_in(&lib).into_iter().map(|name| lib.join(name));
    let mut files = in_lib.chain([config.join("direnvrc"), home.join(".direnvrc")]);
    files.any(|file| {
        let text = fsio::bytes(&file).unwrap_or_default();
        String::from_utf8_lossy(&text).contains("nix-direnv")
            || file.to_string_lossy().contains("nix-direnv")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_enter_a_shell_are_known() {
        for text in [
            "use flake",
            "  use flake .#ci --impure\n",
            "has nix && use flake",
            "if has nix; then use flake; fi",
            "use_flake",
        ] {
            assert_eq!(Enters::of(text), Enters::Flake, "{text}");
        }
        for text in [
            "",
            "# use flake",
            "export use=flake",
            "use node",
            "reuse flake",
        ] {
            assert_eq!(Enters::of(text), Enters::Nothing, "{text}");
        }
        assert_eq!(
            Enters::of("dotenv\nuse nix -p x"),
            Enters::Other("use nix -p x".to_owned())
        );
    }

    #[test]
    fn a_shells_name_is_one_word() {
        let of = |name: &str| {
            let mut policy = Policy::default();
            policy.shell.names = vec![name.parse().unwrap()];
            use_flake(&policy)
        };
        assert_eq!(of("default"), "use flake");
        assert_eq!(of("ci"), "use flake .#ci");
        assert_eq!(of("a b'$(x)"), r"use flake '.#a b'\''$(x)'");
    }
}
