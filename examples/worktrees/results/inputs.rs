//! Small projects whose results depend on something that a cache may miss, each with a change of it.

/// A project: a package `app` with the program `app`, and what is set here besides.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Input {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    /// `src/main.rs`. What it prints is compared.
    pub(crate) program: &'static str,
    /// An expression of type `String`: the value of the macro `make::make!()`.
    pub(crate) make: &'static str,
    /// The library `part`.
    pub(crate) part: &'static str,
    /// The body of the build script's `main`, after `let out = PathBuf::from(OUT_DIR)`.
    pub(crate) script: &'static str,
    pub(crate) files: &'static [(&'static str, &'static str)],
    /// Commands for `sh` in each checkout, before the first build and after the change.
    pub(crate) prepare: &'static str,
    pub(crate) change: Change,
    /// Whether the paths of checkouts in the program are counted and compared.
    pub(crate) counts_paths: bool,
}

/// What is done to the main checkout and to the second one between builds.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Change {
    /// Nothing: the second checkout has another path.
    Place,
    /// A file gets this content, with the size and the time that it had, and the target directory is removed.
    Content(&'static str, &'static str),
    /// A file gets this content, and the target directory stays.
    Edit(&'static str, &'static str),
    /// This file appears.
    Appears(&'static str, &'static str),
    /// A symbolic link leads there.
    Link(&'static str, &'static str),
    /// A variable gets this value.
    Variable(&'static str, &'static str),
    /// Each checkout gets another commit.
    Commit,
}

const INPUT: Input = Input {
    name: "",
    about: "",
    program: PRINTS_MACRO,
    make: "",
    part: "",
    script: "",
    files: &[],
    prepare: "",
    change: Change::Place,
    counts_paths: false,
};

const PRINTS_MACRO: &str = "fn main() { println!(\"{}\", make::make!()); }\n";

const PRINTS_GENERATED: &str = "include!(concat!(env!(\"OUT_DIR\"), \"/generated.rs\"));\n\
                                fn main() { println!(\"{}\", TEXT); }\n";

/// Prints a number that C code returns.
const PRINTS_NATIVE: &str = "unsafe extern \"C\" { fn number() -> i32; }\n\
                             fn main() { println!(\"{}\", unsafe { number() }); }\n";

/// A build script compiles C with a header, and declares the source only.
const INCLUDES_HEADER: Input = Input {
    program: PRINTS_NATIVE,
    script: C_SCRIPT,
    files: &[
        (
            "native.c",
            "#include \"number.h\"\nint number(void) { return NUMBER; }\n",
        ),
        ("second/number.h", "#define NUMBER 1\n"),
        ("first/other.h", "\n"),
    ],
    ..INPUT
};

/// Every input.
pub(crate) const INPUTS: &[Input] = &[
    Input {
        name: "manifest-directory",
        about: "a program prints `CARGO_MANIFEST_DIR`",
        program: "fn main() { println!(\"{}\", env!(\"CARGO_MANIFEST_DIR\")); }\n",
        ..INPUT
    },
    Input {
        name: "manifest-length",
        about: "the length of `CARGO_MANIFEST_DIR` is a constant",
        program: "const LENGTH: usize = env!(\"CARGO_MANIFEST_DIR\").len();\n\
                  fn main() { println!(\"{}\", [0_u8; LENGTH].len()); }\n",
        ..INPUT
    },
    Input {
        name: "library-directory",
        about: "a library returns its own `CARGO_MANIFEST_DIR`",
        program: "fn main() { println!(\"{}\", part::place()); }\n",
        part: "pub fn place() -> &'static str { env!(\"CARGO_MANIFEST_DIR\") }\n",
        ..INPUT
    },
    Input {
        name: "generated-file-name",
        about: "`file!()` in source that a build script writes",
        program: PRINTS_GENERATED,
        script: "std::fs::write(out.join(\"generated.rs\"), \"const TEXT: &str = file!();\").unwrap();",
        ..INPUT
    },
    Input {
        name: "generated-path",
        about: "a build script writes its `OUT_DIR` into source",
        program: PRINTS_GENERATED,
        script: "std::fs::write(out.join(\"generated.rs\"), format!(\"const TEXT: &str = {out:?};\")).unwrap();",
        ..INPUT
    },
    Input {
        name: "debug-information",
        about: "the paths in a program's debug information",
        program: "fn main() { println!(\"{}\", part::double(21)); }\n",
        part: "#[inline(never)]\npub fn double(number: i32) -> i32 { number.checked_mul(2).unwrap() }\n",
        counts_paths: true,
        ..INPUT
    },
    Input {
        name: "configured-path",
        about: "a relative path in `[env]` of cargo's configuration",
        program: "fn main() { println!(\"{}\", env!(\"DATA\")); }\n",
        files: &[(
            ".cargo/config.toml",
            "[env]\nDATA = { value = \"data\", relative = true }\n",
        )],
        ..INPUT
    },
    Input {
        name: "macro-manifest-directory",
        about: "a macro reads `CARGO_MANIFEST_DIR`",
        make: "std::env::var(\"CARGO_MANIFEST_DIR\").unwrap()",
        ..INPUT
    },
    Input {
        name: "macro-current-directory",
        about: "a macro asks for the current directory",
        make: "std::env::current_dir().unwrap().display().to_string()",
        ..INPUT
    },
    Input {
        name: "macro-file",
        about: "a macro reads a file",
        make: "std::fs::read_to_string(\"routes.txt\").unwrap()",
        files: &[("routes.txt", "one")],
        change: Change::Content("routes.txt", "two"),
        ..INPUT
    },
    Input {
        name: "macro-joined-name",
        about: "a macro reads a file whose name it puts together",
        make: "std::fs::read_to_string([\"rou\", \"tes.\", \"txt\"].concat()).unwrap()",
        files: &[("routes.txt", "one")],
        change: Change::Content("routes.txt", "two"),
        ..INPUT
    },
    Input {
        name: "macro-ancestor",
        about: "a macro searches the directories above for a file",
        make: "std::env::current_dir().unwrap().join(\"src\").ancestors()\
               .find_map(|it| std::fs::read_to_string(it.join(\"VERSION\")).ok()).unwrap()",
        files: &[("VERSION", "1.2")],
        change: Change::Content("VERSION", "1.3"),
        ..INPUT
    },
    Input {
        name: "macro-directory",
        about: "a macro counts the files of a directory",
        make: "std::fs::read_dir(\"migrations\").unwrap().count().to_string()",
        files: &[("migrations/1.sql", "create table a\n")],
        change: Change::Appears("migrations/2.sql", "create table b\n"),
        ..INPUT
    },
    Input {
        name: "macro-missing-file",
        about: "a macro reads a file if there is one",
        make: "std::fs::read_to_string(\"local.txt\").unwrap_or_else(|_| \"none\".into())",
        change: Change::Appears("local.txt", "some"),
        ..INPUT
    },
    Input {
        name: "macro-link",
        about: "a macro reads a file through a link that changes",
        make: "std::fs::read_to_string(\"current\").unwrap()",
        files: &[("a.txt", "one"), ("b.txt", "two")],
        prepare: "test -e current || ln -s a.txt current",
        change: Change::Link("current", "b.txt"),
        ..INPUT
    },
    Input {
        name: "macro-variable",
        about: "a macro reads a variable",
        make: "std::env::var(\"APP_MODE\").unwrap_or_default()",
        change: Change::Variable("APP_MODE", "fast"),
        ..INPUT
    },
    Input {
        name: "macro-program",
        about: "a macro runs git for the subject of the commit",
        make: "String::from_utf8(std::process::Command::new(\"git\").args([\"log\", \"-1\", \"--format=%s\"])\
               .output().unwrap().stdout).unwrap()",
        change: Change::Commit,
        ..INPUT
    },
    Input {
        name: "script-variable",
        about: "a build script reads a variable that it does not declare",
        program: PRINTS_GENERATED,
        script: "println!(\"cargo::rerun-if-changed=build.rs\");\
                 let mode = std::env::var(\"APP_MODE\").unwrap_or_default();\
                 std::fs::write(out.join(\"generated.rs\"), format!(\"const TEXT: &str = {mode:?};\")).unwrap();",
        change: Change::Variable("APP_MODE", "fast"),
        ..INPUT
    },
    Input {
        name: "script-file",
        about: "a build script reads a file that it does not declare",
        program: PRINTS_GENERATED,
        script: "println!(\"cargo::rerun-if-changed=build.rs\");\
                 let text = std::fs::read_to_string(\"routes.txt\").unwrap();\
                 std::fs::write(out.join(\"generated.rs\"), format!(\"const TEXT: &str = {text:?};\")).unwrap();",
        files: &[("routes.txt", "one")],
        change: Change::Content("routes.txt", "two"),
        ..INPUT
    },
    Input {
        name: "script-git",
        about: "a build script runs git for the subject of the commit, and declares only itself",
        program: PRINTS_GENERATED,
        script: "println!(\"cargo::rerun-if-changed=build.rs\");\
                 let log = std::process::Command::new(\"git\").args([\"log\", \"-1\", \"--format=%s\"]).output().unwrap();\
                 let text = String::from_utf8(log.stdout).unwrap();\
                 std::fs::write(out.join(\"generated.rs\"), format!(\"const TEXT: &str = {text:?};\")).unwrap();",
        change: Change::Commit,
        ..INPUT
    },
    Input {
        name: "script-tool",
        about: "a build script runs a script of the checkout that it does not declare",
        program: PRINTS_GENERATED,
        script: "println!(\"cargo::rerun-if-changed=build.rs\");\
                 let said = std::process::Command::new(\"sh\").arg(\"tools/number\").output().unwrap();\
                 let text = String::from_utf8(said.stdout).unwrap();\
                 std::fs::write(out.join(\"generated.rs\"), format!(\"const TEXT: &str = {text:?};\")).unwrap();",
        files: &[("tools/number", "echo 1\n")],
        change: Change::Content("tools/number", "echo 2\n"),
        ..INPUT
    },
    Input {
        name: "script-header",
        about: "a build script compiles C, and declares the source only; a header changes",
        change: Change::Content("second/number.h", "#define NUMBER 2\n"),
        ..INCLUDES_HEADER
    },
    Input {
        name: "script-new-header",
        about: "the same; a header appears in a directory that is searched before",
        change: Change::Appears("first/number.h", "#define NUMBER 3\n"),
        ..INCLUDES_HEADER
    },
    Input {
        name: "script-source-tree",
        about: "a build script writes a source file outside of `OUT_DIR`, which git ignores",
        program: "mod generated;\nfn main() { println!(\"{}\", generated::TEXT); }\n",
        script: "println!(\"cargo::rerun-if-changed=build.rs\");\
                 std::fs::write(\"src/generated.rs\", \"pub const TEXT: &str = \\\"text\\\";\\n\").unwrap();",
        files: &[(".gitignore", "/target\n/src/generated.rs\n")],
        ..INPUT
    },
    Input {
        name: "script-link",
        about: "a build script makes a link to a directory of the checkout, from which the program includes a file",
        program: "fn main() { println!(\"{}\", include_str!(concat!(env!(\"OUT_DIR\"), \"/data/text\"))); }\n",
        script: "println!(\"cargo::rerun-if-changed=build.rs\");\
                 let _ = std::fs::remove_file(out.join(\"data\"));\
                 std::os::unix::fs::symlink(std::env::current_dir().unwrap().join(\"data\"), out.join(\"data\")).unwrap();",
        files: &[("data/text", "one")],
        change: Change::Content("data/text", "two"),
        ..INPUT
    },
    Input {
        name: "source",
        about: "a module changes",
        program: "mod text;\nfn main() { println!(\"{}\", text::TEXT); }\n",
        files: &[("src/text.rs", "pub const TEXT: &str = \"one\";\n")],
        change: Change::Content("src/text.rs", "pub const TEXT: &str = \"two\";\n"),
        ..INPUT
    },
    Input {
        name: "included-bytes",
        about: "a file of `include_bytes!` changes",
        program: "fn main() { println!(\"{:?}\", include_bytes!(\"../data.bin\")); }\n",
        files: &[("data.bin", "one")],
        change: Change::Content("data.bin", "two"),
        ..INPUT
    },
    Input {
        name: "optional-variable",
        about: "a variable of `option_env!` is set",
        program: "fn main() { println!(\"{:?}\", option_env!(\"APP_MODE\")); }\n",
        change: Change::Variable("APP_MODE", "fast"),
        ..INPUT
    },
    Input {
        name: "static-library",
        about: "a static library in the checkout is built again",
        program: PRINTS_NATIVE,
        script: "println!(\"cargo::rerun-if-changed=build.rs\");\
                 println!(\"cargo::rustc-link-search=native={}\", std::env::current_dir().unwrap().join(\"lib\").display());\
                 println!(\"cargo::rustc-link-lib=static=native\");",
        files: &[
            ("native.c", "int number(void) { return 1; }\n"),
            (".gitignore", "/target\n/lib\n"),
        ],
        prepare: "mkdir -p lib && cc -c native.c -o lib/native.o && ar rcsD lib/libnative.a lib/native.o \
                  && touch -d @1700000000 lib/libnative.a",
        change: Change::Content("native.c", "int number(void) { return 2; }\n"),
        ..INPUT
    },
    Input {
        name: "linker-script",
        about: "a linker script of the checkout changes",
        program: "unsafe extern \"C\" { static LIMIT: u8; }\n\
                  fn main() { println!(\"{}\", &raw const LIMIT as usize); }\n",
        files: &[
            ("limit.ld", "LIMIT = 41;\n"),
            (
                ".cargo/config.toml",
                "[build]\nrustflags = [\"-Clink-arg=limit.ld\"]\n",
            ),
        ],
        change: Change::Content("limit.ld", "LIMIT = 42;\n"),
        ..INPUT
    },
    Input {
        name: "assembler-file",
        about: "a file of the assembler's `.incbin` changes",
        program: "std::arch::global_asm!(\".data\", \".globl DATA\", \"DATA: .incbin \\\"data.bin\\\"\", \".text\");\n\
                  unsafe extern \"C\" { static DATA: [u8; 3]; }\n\
                  fn main() { println!(\"{:?}\", unsafe { DATA }); }\n",
        files: &[("data.bin", "one")],
        change: Change::Content("data.bin", "two"),
        ..INPUT
    },
    Input {
        name: "edited-source",
        about: "a module is edited after a build from the cache",
        program: "mod text;\nfn main() { println!(\"{}\", text::TEXT); }\n",
        files: &[("src/text.rs", "pub const TEXT: &str = \"one\";\n")],
        change: Change::Edit("src/text.rs", "pub const TEXT: &str = \"another\";\n"),
        ..INPUT
    },
    Input {
        name: "edited-include",
        about: "a file of `include_str!` in a library is edited after a build from the cache",
        program: "fn main() { println!(\"{}\", part::TEXT); }\n",
        part: "pub const TEXT: &str = include_str!(\"../text.txt\");\n",
        files: &[("part/text.txt", "one")],
        change: Change::Edit("part/text.txt", "another"),
        ..INPUT
    },
    Input {
        name: "edited-declared-file",
        about: "a file that a build script declares is edited after a build from the cache",
        program: PRINTS_GENERATED,
        script: "println!(\"cargo::rerun-if-changed=routes.txt\");\
                 let text = std::fs::read_to_string(\"routes.txt\").unwrap();\
                 std::fs::write(out.join(\"generated.rs\"), format!(\"const TEXT: &str = {text:?};\")).unwrap();",
        files: &[("routes.txt", "one")],
        change: Change::Edit("routes.txt", "another"),
        ..INPUT
    },
];

/// Compiles `native.c` with two directories for headers.
const C_SCRIPT: &str = "println!(\"cargo::rerun-if-changed=native.c\");\
    let object = out.join(\"native.o\");\
    let cc = |command: &mut std::process::Command| assert!(command.status().unwrap().success());\
    cc(std::process::Command::new(\"cc\").args([\"-Ifirst\", \"-Isecond\", \"-c\", \"native.c\", \"-o\"]).arg(&object));\
    cc(std::process::Command::new(\"ar\").arg(\"rcsD\").arg(out.join(\"libnative.a\")).arg(&object));\
    println!(\"cargo::rustc-link-search=native={}\", out.display());\
    println!(\"cargo::rustc-link-lib=static=native\");";
