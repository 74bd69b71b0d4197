//! Procedural macros that hide what they read: behind other macros, other crates, other languages, or names that are
//! put together while they run. What is delivered must be what an uncached build makes here and now.
//!
//! All macros of a test are in one workspace, `mac0` with the program `app0` and so on, so that each checkout is built
//! once.

use std::os::unix::fs::PermissionsExt as _;

use super::environment::PROC_MACRO;
use super::project::{Checkout, Project, package};
use indoc::{formatdoc, indoc};

/// A crate of macros: `it!()` is the text that `value()` returns.
fn macro_crate(value: &str) -> String {
    formatdoc!(
        "
            use proc_macro::{{Literal, TokenStream, TokenTree}};
            #[proc_macro] pub fn it(_: TokenStream) -> TokenStream {{ TokenTree::Literal(Literal::string(&value())).into() }}
            {value}
        "
    )
}

/// A macro that hides what it reads.
#[derive(Clone, Copy)]
struct Hidden {
    /// What is unusual about it.
    what: &'static str,
    /// `fn value() -> String`, and what it needs.
    value: &'static str,
    /// More files of its package.
    files: &'static [(&'static str, &'static str)],
}

const fn hidden(what: &'static str, value: &'static str) -> Hidden {
    Hidden {
        what,
        value,
        files: &[],
    }
}

/// A workspace with all of these, and with the crates `writes` (procedural macros) and `helper` below each.
fn workspace(cases: &[Hidden], writes: &str, helper: &str) -> Project {
    let manifest = "[lib]\nproc-macro = true\n[dependencies]\nwrites = { path = \"../writes\" }\nhelper = { path = \"../helper\" }\n";
    let project = Project::new()
        .package("helper", "", &[("src/lib.rs", helper)])
        .package("writes", PROC_MACRO, &[("src/lib.rs", writes)]);
    let numbered = cases.iter().enumerate();
    numbered.fold(project, |project, (number, case)| {
        let (mac, app) = (format!("mac{number}"), format!("app{number}"));
        let uses = if case.value.contains("writes::") || case.value.contains("helper::") {
            manifest
        } else {
            PROC_MACRO
        };
        let project = project
            .package(&mac, uses, &[("src/lib.rs", &macro_crate(case.value))])
            .package(
                &app,
                &format!("[dependencies]\nmac = {{ package = \"{mac}\", path = \"../{mac}\" }}\n"),
                &[(
                    "src/main.rs",
                    "fn main() { println!(\"{}\", mac::it!()); }\n",
                )],
            );
        let project = project.file(
            &format!("crates/{mac}/Cargo.toml"),
            &package(&mac, uses).replace("2021", "2024"),
        );
        case.files.iter().fold(project, |project, (path, text)| {
            project.file(&format!("crates/{mac}/{path}"), text)
        })
    })
}

/// What the programs say in this checkout, built with the wrapper.
fn said(checkout: &Checkout<'_>, cases: &[Hidden]) -> Vec<String> {
    checkout.cargo(&["build"]).ok();
    let programs = (0..cases.len()).map(|number| checkout.says(&format!("app{number}")));
    programs.map(|said| said.trim().to_owned()).collect()
}

/// Which of the programs said something else than those that an uncached build of the same checkout makes.
fn differing(cached: &[String], checkout: &Checkout<'_>, cases: &[Hidden]) -> Vec<String> {
    checkout.uncached(&["build"]).ok();
    let mut wrong = Vec::new();
    for (number, (cached, case)) in cached.iter().zip(cases).enumerate() {
        let uncached = checkout.says(&format!("app{number}"));
        let uncached = uncached.trim();
        if cached != uncached {
            wrong.push(format!("{}: {cached} instead of {uncached}", case.what));
        }
    }
    wrong
}

/// Macros that write the code of the macros above them.
const WRITES: &str = indoc! {r#"
    use proc_macro::TokenStream;

    fn code(name: &str) -> TokenStream {
        let parts = ["std", "env", "var"];
        format!("{}({name:?}).unwrap()", parts.join(":").replace(':', "\u{3a}\u{3a}")).parse().unwrap()
    }
    /// Writes what no text in it says.
    #[proc_macro] pub fn reads(_: TokenStream) -> TokenStream { code("SCCFG_TEST_VALUE") }
    /// Takes a text for code.
    #[proc_macro] pub fn runs(input: TokenStream) -> TokenStream {
        input.to_string().trim_matches('"').replace(';', "\u{3a}\u{3a}").replace('\'', "\"").parse().unwrap()
    }
    /// Leaves the arguments as they are.
    #[proc_macro] #[doc(hidden)] pub fn quote(input: TokenStream) -> TokenStream { input }
    /// Keeps items that are not compiled otherwise.
    #[proc_macro_attribute] pub fn keeps(_: TokenStream, item: TokenStream) -> TokenStream {
        item.to_string().replace("test", "all()").parse().unwrap()
    }
    /// Joins names.
    #[proc_macro] pub fn joins(input: TokenStream) -> TokenStream {
        let text: String = input.into_iter().map(|token| token.to_string()).collect();
        text.replace('.', "\u{3a}\u{3a}").replace('!', "(\"SCCFG_TEST_VALUE\").unwrap()").parse().unwrap()
    }
    /// Takes a comment for code.
    #[proc_macro_attribute] pub fn documented(_: TokenStream, item: TokenStream) -> TokenStream {
        let text = item.to_string();
        let code = text.split('`').nth(1).unwrap();
        format!("fn value() -> String {{ {code} }}").parse().unwrap()
    }
"#};

const HELPER: &str = indoc! {r"
    pub fn open(path: &str) -> impl std::io::Read { std::fs::File::open(path).unwrap() }
    pub fn path(path: &str) -> std::path::PathBuf { path.into() }
    pub trait Source { fn text(&self) -> String; }
    impl Source for &str { fn text(&self) -> String { GET.with(|get| get(self)) } }
    thread_local! { static GET: fn(&str) -> String = |name| std::env::var(name).unwrap(); }
"};

/// Each of these reads the variable `SCCFG_TEST_VALUE`.
const VARIABLES: &[Hidden] = &[
    hidden(
        "a macro writes it in parts",
        "fn value() -> String { writes::reads!() }",
    ),
    hidden(
        "a macro takes a text for code",
        "fn value() -> String { writes::runs!(\"std;env;var('SCCFG_TEST_VALUE').unwrap()\") }",
    ),
    hidden(
        "a macro that is called quote",
        "use writes::quote;\nfn value() -> String { quote! { std::env::var(\"SCCFG_TEST_VALUE\").unwrap() } }",
    ),
    hidden(
        "an attribute keeps what is not compiled",
        "#[writes::keeps] mod a { #[cfg(test)] pub fn value() -> String { std::env::vars().find(|it| it.0.ends_with(\"VALUE\")).unwrap().1 } }\nuse a::value;",
    ),
    hidden(
        "a macro joins names",
        "fn value() -> String { writes::joins!(s t d . e nv . v ar !) }",
    ),
    hidden(
        "a macro takes a comment for code",
        "/// `std::env::vars().find(|it| it.0.ends_with(\"TEST_VALUE\")).unwrap().1`\n#[writes::documented] fn _f() {}",
    ),
    hidden(
        "a trait of another crate, and a function in a static",
        "use helper::Source as _;\nfn value() -> String { \"SCCFG_TEST_VALUE\".text() }\nconst _: fn(&str) -> std::path::PathBuf = helper::path;",
    ),
    hidden(
        "another macro defines quote",
        "macro_rules! define { ($n:ident $d:tt) => { macro_rules! $n { ($d($d t:tt)*) => { $d($d t)* } } } }\ndefine!(quote $);\nfn value() -> String { quote! { std::env::var(\"SCCFG_TEST_VALUE\").unwrap() } }",
    ),
    hidden(
        "another cfg",
        "macro_rules! cfg { ($($t:tt)*) => { true } }\nfn value() -> String { if !cfg!(feature = \"x\") { return String::new(); } std::env::vars().find(|it| it.0.ends_with(\"TEST_VALUE\")).unwrap().1 }",
    ),
    hidden(
        "a constant of another module",
        "#[allow(dead_code, non_upper_case_globals)] mod a { pub const name: &str = \"CARGO_PKG_NAME\"; }\nfn value() -> String { let name = [\"SCCFG\", \"TEST_VALUE\"].join(\"_\"); std::env::vars().find(|it| it.0 == name).map(|_| std::env::var(name)).unwrap().unwrap() }",
    ),
    hidden(
        "a constant of another function",
        "#[allow(dead_code)] fn other() { const NAME: &str = \"CARGO_PKG_NAME\"; std::env::var(NAME).ok(); }\n#[allow(non_snake_case)] fn value() -> String { let NAME = [\"SCCFG\", \"TEST_VALUE\"].join(\"_\"); std::env::var(NAME).unwrap() }",
    ),
    Hidden {
        what: "a path with an escape",
        value: "#[path = \"other\\x2ein\"] mod other;\nuse other::value;",
        files: &[(
            "src/other.in",
            "pub(crate) fn value() -> String { std::env::vars().find(|it| it.0.ends_with(\"TEST_VALUE\")).unwrap().1 }",
        )],
    },
    Hidden {
        what: "a path that a macro gets",
        value: "macro_rules! at { ($p:literal) => { #[path = $p] mod other; } }\nat!(\"other.in\");\nuse other::value;",
        files: &[(
            "src/other.in",
            "pub(crate) fn value() -> String { std::env::vars().find(|it| it.0.ends_with(\"TEST_VALUE\")).unwrap().1 }",
        )],
    },
    hidden(
        "foreign code that a macro declares",
        "macro_rules! foreign { ($e:tt) => { unsafe $e \"C\" { static environ: *const *const std::ffi::c_char; } } }\nforeign!(extern);\nfn value() -> String { unsafe { let mut at = environ; while !(*at).is_null() { let text = std::ffi::CStr::from_ptr(*at).to_str().unwrap(); if let Some(value) = text.strip_prefix(\"SCCFG_TEST_VALUE=\") { return value.to_owned(); } at = at.add(1); } } String::new() }",
    ),
    hidden(
        "code that runs when the library is loaded",
        indoc! {r#"
            static mut FOUND: String = String::new();
            #[used] #[unsafe(link_section = ".init_array")]
            static INIT: extern "C" fn(i32, *const *const std::ffi::c_char, *const *const std::ffi::c_char) = init;
            extern "C" fn init(_: i32, _: *const *const std::ffi::c_char, mut at: *const *const std::ffi::c_char) {
                unsafe { while !(*at).is_null() { let text = std::ffi::CStr::from_ptr(*at).to_str().unwrap(); if let Some(value) = text.strip_prefix("SCCFG_TEST_VALUE=") { FOUND = value.to_owned(); } at = at.add(1); } }
            }
            #[allow(static_mut_refs)] fn value() -> String { unsafe { FOUND.clone() } }
        "#},
    ),
    #[cfg(target_arch = "x86_64")]
    hidden(
        "assembler code under another name",
        indoc! {r#"
            use std::arch::asm as code;
            unsafe fn call(number: usize, a: usize, b: usize, c: usize) -> usize { let result; unsafe { code!("syscall", inlateout("rax") number => result, in("rdi") a, in("rsi") b, in("rdx") c, out("rcx") _, out("r11") _) }; result }
            fn value() -> String {
                let path: Vec<u8> = "\0norivne/fles/corp/".bytes().rev().collect();
                let mut all = vec![0_u8; 1 << 16];
                let length = unsafe { let file = call(2, path.as_ptr() as usize, 0, 0); let mut at = 0; loop { let read = call(0, file, all.as_mut_ptr() as usize + at, all.len() - at); if read as isize <= 0 { break at; } at += read; } };
                String::from_utf8_lossy(&all[..length]).split('\0').find_map(|it| it.strip_prefix("SCCFG_TEST_VALUE=")).unwrap().to_owned()
            }
        "#},
    ),
    Hidden {
        what: "a static library that is loaded with the macro",
        value: "#[unsafe(no_mangle)] static mut SCCFG_FOUND: [u8; 64] = [0; 64];\nfn value() -> String { unsafe { let found = std::ptr::read_volatile(&raw const SCCFG_FOUND); String::from_utf8_lossy(&found).trim_matches('\\0').to_owned() } }",
        files: &[
            (
                "build.rs",
                indoc! {r#"
                    fn main() {
                        let out = std::env::var("OUT_DIR").unwrap();
                        let run = |program: &str, args: &[&str]| assert!(std::process::Command::new(program).args(args).status().unwrap().success());
                        run("cc", &["-c", "-fPIC", "native.c", "-o", &format!("{out}/native.o")]);
                        run("ar", &["crs", &format!("{out}/libnative.a"), &format!("{out}/native.o")]);
                        println!("cargo::rerun-if-changed=native.c\ncargo::rustc-link-search=native={out}\ncargo::rustc-link-lib=static:+whole-archive=native");
                    }
                "#},
            ),
            (
                "native.c",
                "#include <stdlib.h>\n#include <string.h>\nextern char **environ;\nextern char SCCFG_FOUND[64];\n__attribute__((constructor)) static void init(void) { for (char **at = environ; *at; at++) if (!strncmp(*at, \"SCCFG_TEST_VALUE=\", 17)) strncpy(SCCFG_FOUND, *at + 17, 63); }\n",
            ),
        ],
    },
];

#[requires(sccache)]
#[test]
fn a_variable_is_of_this_build_however_it_is_hidden() {
    let project = workspace(VARIABLES, WRITES, HELPER).committed();
    let main = project.main();
    let mut wrong = Vec::new();
    for (checkout, value) in [
        (main.clone(), "one"),
        (main, "two"),
        (project.linked("second"), "three"),
    ] {
        let checkout = checkout.with("SCCFG_TEST_VALUE", value);
        for (said, case) in said(&checkout, VARIABLES).iter().zip(VARIABLES) {
            if said != value {
                wrong.push(format!("{}: {said} instead of {value}", case.what));
            }
        }
        checkout.clean();
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Variables that differ from shell to shell count for macros that read them.
#[requires(sccache)]
#[test]
fn a_variable_of_the_shell_is_of_this_build() {
    const CASES: &[Hidden] = &[
        hidden(
            "a name that is put together",
            "fn value() -> String { std::env::var([\"SH\", \"LVL\"].concat()).unwrap_or_default() }",
        ),
        hidden(
            "a name that a macro says",
            "fn value() -> String { std::env::vars().find(|it| it.0 == \"SHLVL\").map(|it| it.1).unwrap_or_default() }",
        ),
        hidden(
            "the end of a name",
            "fn value() -> String { std::env::vars().find(|it| it.0.ends_with(\"RUN_ID\")).map(|it| it.1).unwrap_or_default() }",
        ),
        hidden(
            "a setting of cargo",
            "fn value() -> String { std::env::var(format!(\"CARGO_{}\", \"OF_MINE\")).unwrap_or_default() }",
        ),
        hidden(
            "a variable that the compiler reads as well",
            "fn value() -> String { std::env::var([\"C\", \"I\"].concat()).unwrap_or_default() }",
        ),
    ];
    let project = workspace(CASES, "", "").committed();
    let main = project.main();
    let mut wrong = Vec::new();
    for (checkout, value) in [
        (main.clone(), None),
        (main, Some("2")),
        (project.linked("second"), Some("3")),
    ] {
        let names = ["SHLVL", "GITHUB_RUN_ID", "CARGO_OF_MINE", "CI"];
        let checkout = names.iter().fold(checkout, |checkout, name| match value {
            Some(value) => checkout.with(name, value),
            None => checkout.without(name),
        });
        let cached = said(&checkout, CASES);
        checkout.clean();
        wrong.extend(differing(&cached, &checkout, CASES));
        checkout.clean();
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Each of these reads a file that no source names, or what is not in a file.
const ON_DISK: &[Hidden] = &[
    hidden(
        "an ignored file",
        "fn value() -> String { std::fs::read_to_string([\"igno\", \"red.txt\"].concat()).unwrap_or_default() }",
    ),
    hidden(
        "a file outside",
        "fn value() -> String { std::fs::read_to_string([\"../outs\", \"ide.txt\"].concat()).unwrap_or_default() }",
    ),
    hidden(
        "a directory outside",
        "fn value() -> String { let mut all: Vec<_> = std::fs::read_dir([\"../outs\", \"ide\"].concat()).into_iter().flatten().map(|it| it.unwrap().file_name().into_string().unwrap()).collect(); all.sort(); all.join(\" \") }",
    ),
    hidden(
        "a built file",
        "fn value() -> String { std::fs::read_to_string(\"target/made.txt\").unwrap_or_default() }",
    ),
    hidden(
        "an empty directory",
        "fn value() -> String { std::path::Path::new(\"empty\").is_dir().to_string() }",
    ),
    hidden(
        "whether a file can be executed",
        "fn value() -> String { use std::os::unix::fs::PermissionsExt as _; let mode = std::path::Path::new(\"program\").metadata().unwrap().permissions().mode(); (mode & 0o100).to_string() }",
    ),
    hidden(
        "a link",
        "fn value() -> String { std::fs::read_link(\"link\").unwrap().display().to_string() }",
    ),
    hidden(
        "what other tools installed",
        "fn value() -> String { std::fs::read_to_string([\"node_mod\", \"ules/x.json\"].concat()).unwrap_or_default() }",
    ),
    hidden(
        "a file in a directory that a variable names",
        "fn value() -> String { std::fs::read_to_string(std::env::var(\"SCCFG_TEST_DIR\").unwrap() + \"/x\").unwrap_or_default() }",
    ),
    hidden(
        "the length of the current directory",
        "fn value() -> String { std::fs::canonicalize(\".\").unwrap().display().to_string().len().to_string() }",
    ),
    hidden(
        "the length of an absolute path",
        "fn value() -> String { std::path::absolute(\".\").unwrap().display().to_string().len().to_string() }",
    ),
    hidden(
        "a file that another crate opens",
        "use std::io::Read as _;\nfn value() -> String { let mut text = String::new(); let name: String = \"txt.edistuo/..\".chars().rev().collect(); helper::open(&name).read_to_string(&mut text).unwrap(); text }",
    ),
    hidden(
        "whether a path of another crate exists",
        "#[allow(dead_code)] fn exists() {}\nfn value() -> String { helper::path(\"empty\").exists().to_string() }",
    ),
    hidden(
        "a function that a macro gets",
        "macro_rules! ask { ($name:ident) => { helper::path(\"empty\").$name() } }\nfn value() -> String { ask!(exists).to_string() }",
    ),
];

#[requires(sccache)]
#[test]
fn what_is_on_the_disk_is_of_this_build_however_it_is_hidden() {
    let project = workspace(ON_DISK, "", HELPER)
        .file(
            ".gitignore",
            "/target\n/ignored.txt\n/node_modules\n/link\n",
        )
        .file("program", "")
        .committed();
    let data = project.sandbox.path("data");
    let data = data.to_str().unwrap();
    let mut wrong = Vec::new();
    let checkouts = [
        project.main(),
        project.main(),
        project.linked("deeper/second"),
    ];
    for (nth, checkout) in checkouts.into_iter().enumerate() {
        let checkout = checkout.with("SCCFG_TEST_DIR", data);
        let text = nth.to_string();
        let outside = checkout.path("..");
        for path in [
            checkout.path("ignored.txt"),
            checkout.path("target/made.txt"),
            checkout.path("node_modules/x.json"),
            outside.join("outside.txt"),
            outside.join(format!("outside/{text}")),
            project.sandbox.path("data/x"),
        ] {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, &text).unwrap();
        }
        let _ = std::fs::remove_file(checkout.path("link"));
        std::os::unix::fs::symlink(&text, checkout.path("link")).unwrap();
        if nth > 0 {
            std::fs::create_dir_all(checkout.path("empty")).unwrap();
            let mode = std::fs::Permissions::from_mode(0o755);
            std::fs::set_permissions(checkout.path("program"), mode).unwrap();
        }
        let made = checkout.path("target/made.txt");
        let cached = said(&checkout, ON_DISK);
        checkout.clean();
        std::fs::create_dir_all(checkout.path("target")).unwrap();
        std::fs::write(made, &text).unwrap();
        wrong.extend(differing(&cached, &checkout, ON_DISK));
        checkout.clean();
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// What no key can have is compiled each time, and `explain` says why.
#[requires(sccache)]
#[test]
fn what_differs_each_time_is_compiled_each_time_however_it_is_hidden() {
    const CASES: &[Hidden] = &[
        hidden(
            "the hasher of a map",
            "fn value() -> String { use std::hash::BuildHasher as _; std::collections::HashMap::<u8, u8>::new().hasher().hash_one(1).to_string() }",
        ),
        hidden(
            "another name of a hasher",
            "use std::hash::{BuildHasher as _, RandomState as R};\nfn value() -> String { R::new().hash_one(1).to_string() }",
        ),
        hidden(
            "a default hasher",
            "use std::hash::{BuildHasher as _, RandomState};\nfn value() -> String { let it: RandomState = Default::default(); it.hash_one(1).to_string() }",
        ),
        hidden(
            "how many processors there are",
            "fn value() -> String { std::thread::available_parallelism().unwrap().to_string() }",
        ),
        hidden(
            "an open file",
            "use std::os::fd::FromRawFd;\nfn value() -> String { let file = unsafe { <std::fs::File as FromRawFd>::from_raw_fd(0) }; std::mem::forget(file); String::new() }",
        ),
        hidden(
            "a program that another crate runs",
            "fn value() -> String { helper::run(\"emanu\") }",
        ),
        hidden(
            "a compiler that another crate runs",
            "fn value() -> String { helper::run(\"ctsur\") }",
        ),
        hidden(
            "a file of the system",
            "fn value() -> String { std::fs::read_to_string([\"/pr\", \"oc/uptime\"].concat()).unwrap() }",
        ),
    ];
    const RUNS: &str = "pub fn run(name: &str) -> String { let program: String = name.chars().rev().collect(); String::from_utf8(std::process::Command::new(program).arg(\"--version\").output().unwrap().stdout).unwrap() }\n";
    let project = workspace(CASES, "", RUNS).committed();
    let main = project.main();
    main.cargo(&["build"]).ok();
    main.clean();
    project.forget_compiles();
    let built = main.cargo(&["build"]).ok();
    let mut wrong = Vec::new();
    for (number, case) in CASES.iter().enumerate() {
        if !built.compiled.contains(&format!("app{number} bin")) {
            wrong.push(case.what.to_owned());
        }
        let mut explain = main.command(env!("CARGO_BIN_EXE_sccfg"));
        let explained = explain.args(["wrapper", "explain", &format!("app{number}")]);
        let text = String::from_utf8(explained.output().unwrap().stdout).unwrap();
        if !text.contains("each time") {
            wrong.push(format!("{}: {text}", case.what));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// What a macro did elsewhere says nothing about where it does something else.
#[requires(sccache)]
#[test]
fn a_program_that_only_some_builds_run_is_run_by_them() {
    const RUN: &str = "{ use std::io::Read as _; let mut child = std::process::Command::new(\"cat\").arg(\"/proc/sys/kernel/random/uuid\").stdout(std::process::Stdio::piped()).spawn().unwrap(); let mut text = String::new(); child.stdout.take().unwrap().read_to_string(&mut text).unwrap(); child.wait().unwrap(); text }";
    let conditions = [
        (
            "a variable",
            "std::env::var([\"SCCFG_TEST\", \"_VALUE\"].concat()).is_ok()",
        ),
        (
            "a variable of the compiler",
            "std::env::var([\"C\", \"I\"].concat()).is_ok()",
        ),
        (
            "a file",
            "std::path::Path::new(&[\"mar\", \"ker\"].concat()).exists()",
        ),
        (
            "the name of the directory",
            "std::env::var(\"CARGO_MANIFEST_DIR\").unwrap().contains(\"second\")",
        ),
        (
            "the current directory",
            "std::env::current_dir().unwrap().ends_with(\"second\")",
        ),
    ];
    let sources: Vec<String> = conditions
        .iter()
        .map(|(_, condition)| {
            format!("fn value() -> String {{ if {condition} {RUN} else {{ String::new() }} }}")
        })
        .collect();
    let sources: Vec<&'static str> = sources
        .into_iter()
        .map(|source| &*Box::leak(source.into_boxed_str()))
        .collect();
    let cases: Vec<Hidden> = conditions
        .iter()
        .zip(sources)
        .map(|((what, _), source)| hidden(what, source))
        .collect();
    let project = workspace(&cases, "", "").committed();
    let main = project.main().without("CI");
    assert!(said(&main, &cases).iter().all(String::is_empty));
    let second = project.linked("second");
    second.write("marker", "");
    let second = second.with("CI", "1").with("SCCFG_TEST_VALUE", "1");
    let once = said(&second, &cases);
    second.clean();
    let again = said(&second, &cases);
    let mut wrong = Vec::new();
    for ((case, once), again) in cases.iter().zip(&once).zip(&again) {
        if once.is_empty() || once == again {
            wrong.push(format!("{}: {once}, then {again}", case.what));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
