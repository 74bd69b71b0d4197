//! What a link depends on besides the sources: libraries of other languages, the linker, and what it
//! is told past rustc.

use std::path::{Path, PathBuf};

use super::super::compiler::{self, Compiler};
use super::super::digest;
use super::super::places::Role;
use super::{Inputs, NoKey};
use crate::{env, fsio};

/// What linkers and the wrappers that Nix puts around them read.
const LINKER_VARIABLES: [&str; 8] = [
    "COMPILER_PATH",
    "GCC_EXEC_PREFIX",
    "LD_RUN_PATH",
    "LIBRARY_PATH",
    "MACOSX_DEPLOYMENT_TARGET",
    "SDKROOT",
    "SOURCE_DATE_EPOCH",
    "ZERO_AR_DATE",
];
const LINKER_PREFIXES: [&str; 5] = [
    "NIX_LDFLAGS",
    "NIX_CFLAGS_LINK",
    "NIX_CC_WRAPPER",
    "NIX_BINTOOLS_WRAPPER",
    "NIX_HARDENING_ENABLE",
];

impl Inputs<'_> {
    /// The libraries of other languages that rustc puts into what it writes.
    pub(super) fn add_libraries(&mut self) -> Result<(), NoKey> {
        let unit = self.unit;
        let mut folders: Vec<&Path> = Vec::new();
        for (kind, folder) in &unit.search {
            if matches!(kind.as_str(), "native" | "all" | "framework") {
                folders.push(folder);
            }
        }
        let out_dir = env::var_os("OUT_DIR").map(PathBuf::from);
        let target = self.places.folder(Role::Target).map(PathBuf::from);
        for folder in &folders {
            let is_own = out_dir
                .as_deref()
                .is_some_and(|own| folder.starts_with(own));
            let is_made_here = target
                .as_deref()
                .is_some_and(|target| folder.starts_with(target));
            if is_own || (unit.is_linked() && is_made_here) {
                let mut names = fsio::names_in(folder);
                names.sort_unstable();
                for name in names.into_iter().filter(|name| is_library(name)) {
                    let digest = digest::of_file(&folder.join(&name))
                        .ok_or(NoKey::new("a library that cannot be read"))?;
                    self.key.add(format!("library {name}"), digest);
                }
            } else if unit.is_linked() && !is_made_here {
                self.key.add(
                    "-L native",
                    self.places.hide(folder.as_os_str().as_encoded_bytes()),
                );
            }
        }
        for library in &unit.libraries {
            let name = library.rsplit('=').next().unwrap_or(library);
            let name = name.split(':').next().unwrap_or(name);
            for form in [
                format!("lib{name}.a"),
                format!("lib{name}.so"),
                format!("{name}.lib"),
                format!("lib{name}.dylib"),
                name.to_owned(),
            ] {
                for folder in &folders {
                    if let Some(digest) = digest::of_file(&folder.join(&form)) {
                        self.key.add(format!("library {form}"), digest);
                    }
                }
            }
        }
        Ok(())
    }

    pub(super) fn add_linker(&mut self, compiler: &Compiler) -> Result<(), NoKey> {
        let closures = self
            .closures
            .as_mut()
            .ok_or(NoKey::new("a crate below it is not known"))?;
        closures.sort_unstable();
        for closure in closures.iter() {
            self.key.add("crate below", closure);
        }
        let linker = compiler::linker(compiler, self.unit, self.state);
        self.key.add(
            "linker",
            linker.ok_or(NoKey::new("a linker that is not known"))?,
        );
        self.add_variables_that(|name| {
            let has = |prefix: &&str| name.starts_with(prefix);
            LINKER_VARIABLES.contains(&name) || LINKER_PREFIXES.iter().any(has)
        });
        let mut words: Vec<String> = self.unit.linker_words().map(str::to_owned).collect();
        self.add_files_of_arguments(&mut words)?;
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        self.add_named_libraries(&words)?;
        for word in words {
            for part in word.split([' ', ',', '=']) {
                let path = self.cwd.join(part.strip_prefix("-T").unwrap_or(part));
                if path.is_file() {
                    let digest = digest::of_file(&path).ok_or(NoKey::new("a linker's file"))?;
                    self.key
                        .add(format!("file {}", self.places.hide_text(part)), digest);
                }
            }
        }
        Ok(())
    }

    /// Puts the arguments that stand in files with the others.
    fn add_files_of_arguments(&mut self, words: &mut Vec<String>) -> Result<(), NoKey> {
        const MOST: usize = 10_000;
        let mut nth = 0;
        while let Some(word) = words.get(nth) {
            let named = word.trim_start_matches("-Wl,").strip_prefix('@');
            if let Some(text) = named.and_then(|file| fsio::bytes(self.cwd.join(file))) {
                let text = String::from_utf8(text);
                let text = text.map_err(|_| NoKey::new("a file of the linker's arguments"))?;
                self.key
                    .add("arguments in a file", self.places.hide_text(&text));
                let more = text
                    .split_whitespace()
                    .map(|it| it.trim_matches(['"', '\'']).to_owned());
                words.extend(more);
            }
            nth += 1;
            if nth > MOST {
                return Err(NoKey::new("the linker's arguments"));
            }
        }
        Ok(())
    }

    /// The libraries that the linker is told of past rustc.
    fn add_named_libraries(&mut self, words: &[&str]) -> Result<(), NoKey> {
        let parts: Vec<&str> = words
            .iter()
            .flat_map(|word| word.split([' ', ',']))
            .collect();
        let value = |flag: &'static str| {
            let alone = parts
                .windows(2)
                .filter(move |pair| pair[0] == flag)
                .map(|pair| pair[1]);
            let attached = parts.iter().filter_map(move |part| part.strip_prefix(flag));
            alone.chain(attached.filter(|it| !it.is_empty()))
        };
        let mut found = Vec::new();
        for folder in value("-L").map(|folder| self.cwd.join(folder)) {
            for name in value("-l") {
                let named = name.strip_prefix(':').map(str::to_owned);
                let forms = [
                    Some(format!("lib{name}.a")),
                    Some(format!("lib{name}.so")),
                    named,
                ];
                for form in forms.into_iter().flatten() {
                    let path = folder.join(&form);
                    if path.is_file() {
                        let digest = digest::of_file(&path);
                        found.push((form, digest.ok_or(NoKey::new("a linker's library"))?));
                    }
                }
            }
        }
        for (form, digest) in found {
            self.key.add(format!("library {form}"), digest);
        }
        Ok(())
    }
}

fn is_library(name: &str) -> bool {
    let ends = [".a", ".lib", ".so", ".dylib", ".o"];
    ends.iter().any(|end| name.ends_with(end)) || name.contains(".so.")
}
