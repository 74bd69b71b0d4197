//! The linker for builds without the dev shell, in the repository's config file of cargo.
//!
//! wild also takes `linker = "clang"`.
//!
//! ```toml
//! # >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`
//! [target.'cfg(target_os = "linux")']
//! rustflags = ["-C", "link-arg=-fuse-ld=mold"]
//! # <<< sccfg <<<
//! ```

use std::path::Path;

use toml_edit::Table;

use super::marked;
use crate::sccfg_toml::{Linker, LinkerConfig};
use sccache_control::config::toml;
use sccfg_util::problem::{Place, Problem};

const CFG: &str = "cfg(target_os = \"linux\")";
const HOW: &str =
    "# To use it without the dev shell as well: linker-config = \"set\" in sccfg.toml";

/// The compiler that links with wild.
pub(crate) const CLANG: &str = "clang";

/// The argument by which the compiler runs `linker`.
pub(crate) fn flag(linker: Linker) -> String {
    match linker {
        Linker::Wild => "--ld-path=wild".to_owned(),
        _ => format!("-fuse-ld={}", linker.name()),
    }
}

/// `text`, the contents of `path`, with the linker as `how` says, or without it. [`without`] returns the text without
/// it again.
///
/// # Errors
/// If the text is not TOML, or has flags that those of the linker would replace; as [`without`].
pub(crate) fn render(
    text: &str,
    path: &Path,
    linker: Linker,
    how: LinkerConfig,
) -> Result<String, Problem> {
    let plain = without(text, path)?;
    let mut table = vec![format!("[target.'{CFG}']")];
    // GCC before 16 takes no linker that it does not know.
    table.extend((linker == Linker::Wild).then(|| format!("linker = \"{CLANG}\"")));
    table.push(format!(
        "rustflags = [\"-C\", \"link-arg={}\"]",
        flag(linker)
    ));
    let lines = match (linker, how) {
        (Linker::System, _) | (_, LinkerConfig::None) => return Ok(plain),
        (_, LinkerConfig::Comment) => {
            let mut lines = vec![HOW.to_owned()];
            lines.extend(table.iter().map(|line| format!("# {line}")));
            lines
        }
        (_, LinkerConfig::Set) => {
            let document = toml::parse(&plain, path)?;
            refuse_other_flags(document.as_table(), &plain, path)?;
            table
        }
    };
    let result = marked::insert(&plain, plain.len(), marked::OF_LINKER, &lines);
    toml::parse(&result, path)?;
    Ok(result)
}

/// The text before [`render`].
///
/// # Errors
/// If the lines between the markers were edited, a marker is missing, or keys were added below the table.
pub(crate) fn without(text: &str, path: &Path) -> Result<String, Problem> {
    marked::check(text, path, &marked::STARTS)?;
    let problem = |what: &str, offset: usize, hint: &str| {
        Problem::new(what)
            .at(Place::at(path, text, offset))
            .hint(hint)
    };
    let Some((range, inside)) = marked::find(text, marked::OF_LINKER) else {
        return Ok(text.to_owned());
    };
    let is_ours = |line: &str| {
        let line = line.trim();
        let line = line.strip_prefix("# ").unwrap_or(line);
        line.starts_with("[target.'cfg(")
            || line == format!("linker = \"{CLANG}\"")
            || line.starts_with("rustflags = [\"-C\", \"link-arg=-")
            || line.starts_with("To use it without")
    };
    if let Some(foreign) = inside.lines().find(|line| !is_ours(line)) {
        let offset = range.start + text[range.clone()].find(foreign).unwrap_or_default();
        let what = "sccfg did not write this line between its markers";
        return Err(problem(what, offset, "move it out of the markers"));
    }
    let removed = format!("{}{}", &text[..range.start], &text[range.end..]);
    let values = marked::values_without(&removed, &[]);
    let keys = ["linker", "rustflags"].map(|key| ["target", CFG, key]);
    let expected = marked::values_without(text, &keys.each_ref().map(|keys| &keys[..]));
    // A file that was not TOML before is not judged.
    if values.is_some() && values != expected {
        let what = "keys below this line belong to the table above it";
        let hint = "move them above the region, or below a header of their own";
        return Err(problem(what, range.end.saturating_sub(1), hint));
    }
    Ok(removed)
}

/// cargo uses the flags of one source: those of a target instead of those of `build` (`rustflags_args` in its
/// `target_info.rs`).
fn refuse_other_flags(root: &Table, text: &str, path: &Path) -> Result<(), Problem> {
    for (keys, what) in [
        (
            &["build", "rustflags"][..],
            "the linker's flags would replace `build.rustflags`",
        ),
        (&["target", CFG], "this table is in the file already"),
    ] {
        if let Some((key, _)) = toml::find(root, keys) {
            let offset = key.span().map_or(0, |span| span.start);
            return Err(Problem::new(format!("could not set the linker: {what}"))
                .at(Place::at(path, text, offset))
                .hint(
                    "add the flag here by hand, and set linker-config = \"none\" in sccfg.toml",
                ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix_shell_edit::region::END;

    fn path() -> &'static Path {
        Path::new("config.toml")
    }

    #[test]
    fn what_is_rendered_is_removed_byte_for_byte() {
        for text in [
            "",
            "# mine\n[net]\noffline = true",
            "[alias]\r\nb = \"build\"\r\n",
        ] {
            for how in [LinkerConfig::Comment, LinkerConfig::Set] {
                let result = render(text, path(), Linker::Mold, how).unwrap();
                assert_ne!(result, text);
                assert_eq!(without(&result, path()).unwrap(), text);
                let other = render(&result, path(), Linker::Lld, LinkerConfig::Set).unwrap();
                assert!(
                    other.contains("-fuse-ld=lld") && !other.contains("mold"),
                    "{other}"
                );
                let none = render(&other, path(), Linker::System, how).unwrap();
                assert_eq!(none, text);
            }
        }
    }

    #[test]
    fn wild_is_run_by_clang() {
        let result = render("", path(), Linker::Wild, LinkerConfig::Set).unwrap();
        assert!(
            result.contains(
                "\nlinker = \"clang\"\nrustflags = [\"-C\", \"link-arg=--ld-path=wild\"]\n"
            ),
            "{result}"
        );
        assert_eq!(without(&result, path()).unwrap(), "");
        let comment = render("", path(), Linker::Wild, LinkerConfig::Comment).unwrap();
        assert_eq!(without(&comment, path()).unwrap(), "");
        let edited = result.replace("\"clang\"", "\"clang-19\"");
        assert!(without(&edited, path()).is_err());
    }

    #[test]
    fn flags_that_would_be_lost_are_refused() {
        for text in [
            "[build]\nrustflags = [\"-Ctarget-cpu=native\"]\n",
            "[target.'cfg(target_os = \"linux\")']\nrunner = \"x\"\n",
        ] {
            let problem = render(text, path(), Linker::Mold, LinkerConfig::Set).unwrap_err();
            assert!(
                problem.to_string().contains("could not set the linker"),
                "{problem}"
            );
            render(text, path(), Linker::Mold, LinkerConfig::Comment).unwrap();
        }
        let result = render("", path(), Linker::Mold, LinkerConfig::Set).unwrap();
        let below = format!("{result}runner = \"x\"\n");
        let problem = without(&below, path()).unwrap_err();
        assert!(
            problem.to_string().contains("keys below this line"),
            "{problem}"
        );
        let inside = result.replace(END, &format!("runner = \"x\"\n{END}"));
        assert!(without(&inside, path()).is_err());
    }
}
