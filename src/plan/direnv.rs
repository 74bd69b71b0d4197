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

use std::ops::Range;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::{Plan, What};
use crate::repository::Repository;
use crate::sccfg_toml::Policy;
use nix_shell_edit::region::{self, INLINE};
use nix_shell_edit::strip;
use sccfg_util::posix::quote;
use sccfg_util::problem::{Place, Problem};
use sccfg_util::{env, fsio};

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
    let (region, stripped) = region_of(text)?;
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
    let (Some(region), stripped) = region_of(&text)? else {
        return Ok(());
    };
    let is_ours = record(&text[region]).is_none();
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

/// The region's lines, if there is one, and the text without it.
///
/// # Errors
/// When it is damaged, stands there twice, or has a person's lines in it.
fn region_of(text: &str) -> Result<(Option<Range<usize>>, String), Problem> {
    let path = Path::new(NAME);
    let stripped = strip(path, text)?;
    let mut regions = region::all(path, text)?.into_iter();
    let region = regions.next();
    let at = |offset| Place::at(path, text, offset);
    if let Some(second) = regions.next() {
        return Err(Problem::new("this sccfg region is here twice")
            .at(at(second.start))
            .hint("delete one of the two, with its markers, and run sccfg again"));
    }
    let mut offset = region.as_ref().map_or(0, |region| region.start);
    for line in text[region.clone().unwrap_or_default()].split_inclusive('\n') {
        if !is_ours(line.trim()) {
            return Err(Problem::new(format!(
                "`{}` is in a sccfg region but was not written by sccfg",
                line.trim()
            ))
            .at(at(offset))
            .hint("move it above or below the region, and run sccfg again"));
        }
        offset += line.len();
    }
    Ok((region, stripped))
}

/// Whether some policy puts this line into a region.
fn is_ours(line: &str) -> bool {
    const WATCHES: &str = "watch_file sccfg.toml";
    let is_one_word = |rest: &str| {
        let is_quoted = rest.len() > 1 && rest.starts_with('\'') && rest.ends_with('\'');
        is_quoted || !rest.contains(char::is_whitespace)
    };
    let enters = line
        .strip_prefix("use flake")
        .is_some_and(|rest| rest.is_empty() || rest.strip_prefix(' ').is_some_and(is_one_word));
    let watches = line.strip_prefix(WATCHES).is_some_and(|rest| {
        let is_nix = |file: &str| Path::new(file).extension().is_some_and(|end| end == "nix");
        let mut files = rest.split(' ').filter(|file| !file.is_empty());
        rest.contains('\'') || files.all(is_nix)
    });
    line.is_empty()
        || line.starts_with("# >>> sccfg >>>")
        || line.starts_with("# <<< sccfg <<<")
        || line.starts_with(INLINE)
        || enters
        || watches
        || line == "if has sccfg; then watch_file \"$(sccfg config path)\"; fi"
}

/// What a region says.
struct Region<'a> {
    enter: bool,
    policy: &'a Policy,
    watched: Vec<String>,
}

impl Region<'_> {
    fn render(&self, record: Option<&str>) -> Result<String> {
        sccfg_templates::render(
            sccfg_templates::ENVRC,
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
            format!("use flake .#{}", quote(first.as_str()))
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
        .map(|path| quote(&path.to_string_lossy()))
        .collect();
    files.sort();
    files.dedup();
    files.insert(0, crate::sccfg_toml::FILE_NAME.to_owned());
    files
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
        let text = fsio::read_bytes(&file).unwrap_or_default();
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
        assert_eq!(
            shlex::split(&of("a b'$(x)")).unwrap(),
            ["use", "flake", ".#a b'$(x)"]
        );
    }
}
