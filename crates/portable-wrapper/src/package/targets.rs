//! Which files of a published package may belong to its library.

use std::path::{Path, PathBuf};

use toml_edit::{DocumentMut, Item};

use sccfg_util::fsio;

/// The cargo targets of a package, such as tests.
#[derive(Debug, Default)]
pub(super) struct Targets {
    /// The directory of the build script, if it is not that of the package or the library.
    of_script: Option<PathBuf>,
}

impl Targets {
    /// Those of the package in `directory`. The manifest of a published package names the root source of each target.
    pub(super) fn of(directory: &Path) -> Self {
        let text = fsio::read_text(directory.join("Cargo.toml"));
        let manifest = text.and_then(|text| text.parse::<DocumentMut>().ok());
        Self {
            of_script: manifest.as_ref().and_then(directory_of_script),
        }
    }

    /// Whether `file` is not in the directory of another target than the library.
    pub(super) fn has_in_library(&self, file: &Path) -> bool {
        let parts: Vec<_> = file
            .components()
            .map(|part| part.as_os_str().to_string_lossy())
            .collect();
        let parts: Vec<&str> = parts.iter().map(|part| &**part).collect();
        let is_of_other = matches!(
            parts[..],
            ["benches" | "build" | "examples" | "tests", ..]
                | ["build.rs"]
                | ["src", "main.rs"]
                | ["src", "bin", ..]
        );
        let mut of_script = self.of_script.iter();
        !is_of_other && !of_script.any(|directory| file.starts_with(directory))
    }
}

fn directory_of_script(manifest: &DocumentMut) -> Option<PathBuf> {
    let path = |table: &str, key: &str| {
        let path = manifest.get(table)?.get(key).and_then(Item::as_str)?;
        // Without `./`.
        let path = Path::new(path).components().collect::<PathBuf>();
        path.parent().map(Path::to_owned)
    };
    let script = path("package", "build")?;
    let library = path("lib", "path").unwrap_or_else(|| "src".into());
    let is_separate = !script.as_os_str().is_empty() && !library.starts_with(&script);
    (is_separate && script.is_relative()).then_some(script)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(manifest: &str) -> Targets {
        Targets {
            of_script: directory_of_script(&manifest.parse().unwrap()),
        }
    }

    #[test]
    fn other_targets_of_a_package_are_not_part_of_the_library() {
        let targets = of("[package]\nbuild = \"builder/main.rs\"\n[lib]\npath = \"src/lib.rs\"\n");
        for other in [
            "build.rs",
            "builder/more.rs",
            "src/bin/a/b.rs",
            "src/main.rs",
            "tests/a.rs",
        ] {
            assert!(!targets.has_in_library(Path::new(other)), "{other}");
        }
        for own in ["src/lib.rs", "src/build.rs", "src/tests.rs", "lib.rs"] {
            assert!(targets.has_in_library(Path::new(own)), "{own}");
        }
    }

    #[test]
    fn a_build_script_may_be_in_the_directory_of_the_library() {
        for manifest in [
            "[package]\nbuild = false\n",
            "[package]\nbuild = \"./make.rs\"\n",
            "[package]\nbuild = \"src/make.rs\"\n",
            "[package]\nbuild = \"a/make.rs\"\n[lib]\npath = \"a/lib/lib.rs\"\n",
            "[package]\nbuild = \"../make.rs\"\n",
        ] {
            let targets = of(manifest);
            for own in ["src/lib.rs", "a/more.rs"] {
                assert!(targets.has_in_library(Path::new(own)), "{manifest}");
            }
        }
    }
}
