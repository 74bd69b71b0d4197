//! Detects whether the compiler evaluates source locations (`file!()`, `Location::caller()`) of a crate in constants.

use std::collections::BTreeSet;
use std::ops::BitOr;

use super::conditions::Conditions;
use super::identifiers::places_of;
use super::inactive_code::inactive_code;
use super::path_variables::is_plain;
use super::tokens::{Kind, Token, is_keyword, tokens};

/// Whether a crate with these sources asks for a source location in a constant, or in a function that can be called in one: a
/// value computed from it may not contain the path. A macro that asks for one counts where it is used. Code that is not compiled
/// under the `conditions` does not count. `below` are the [`asking_macros`] of its dependencies.
pub(in super::super) fn evaluates_own_location(
    sources: &[String],
    conditions: &Conditions,
    below: &BTreeSet<String>,
) -> bool {
    let mut macros = Macros::of_dependencies(below);
    let sources = macros.read_all(sources);
    sources.into_iter().any(|source| {
        let source = inactive_code(&source, conditions).remove_from(source);
        macros.is_in_constant(&source, 0..source.len(), false)
    })
}

/// The names of the macros in these sources that ask for the location in which they are used.
pub(in super::super) fn asking_macros(sources: &[String]) -> BTreeSet<String> {
    let mut macros = Macros::default();
    macros.read_all(sources);
    let names = macros.asking.into_iter();
    names.map(str::to_owned).collect()
}

/// Whether code asks for the path of its source, also in string literals, which a macro may parse.
pub(super) fn asks_for_source(source: &[Token<'_>]) -> bool {
    let macros = Macros::default();
    (0..source.len()).any(|at| match source[at].kind {
        Kind::Ident => macros.asks(source, at),
        Kind::Text | Kind::Literal => may_ask_for_own_location(source[at].text),
        _ => false,
    })
}

/// Whether a source may ask for its location, itself or by a macro that it calls. Those of other crates are not known.
pub(in super::super) fn may_ask_by_macro(source: &str) -> bool {
    may_ask_for_own_location(source)
        || tokens(source).windows(3).any(|call| match call {
            [name, bang, open] => {
                bang.is_punctuation("!")
                    && matches!(open.kind, Kind::Open(_))
                    && name.kind == Kind::Ident
                    && !is_keyword(name.text)
                    && !is_plain(Some(name))
            }
            _ => false,
        })
}

/// Whether a source may ask for its location, decided without its tokens: most cannot. There may be white space and comments
/// between tokens.
pub(in super::super) fn may_ask_for_own_location(source: &str) -> bool {
    let source = source.as_bytes();
    let mut callers = places_of(source, "caller").filter(|at| {
        let before = &source[..*at];
        let code = before.trim_ascii_end();
        let is_behind = code.ends_with(b"::") || code.ends_with(b"*/");
        let begins_line = before[code.len()..].contains(&b'\n');
        let after = at + "caller".len();
        is_behind || begins_line || is_before(source, after, &[b"(", b"[", b"{", b"//", b"/*"])
    });
    may_call_macro(source, "file") || callers.next().is_some()
}

/// Whether a source may call the macro `name`, decided without its tokens. A macro that is renamed counts as called.
fn may_call_macro(source: &[u8], name: &str) -> bool {
    let mut found = places_of(source, name);
    found.any(|at| is_before(source, at + name.len(), &[b"!", b"//", b"/*", b"as"]))
}

/// Whether one of these follows at `at`, perhaps after white space.
fn is_before(source: &[u8], at: usize, all: &[&[u8]]) -> bool {
    let behind = source[at..].trim_ascii_start();
    all.iter().any(|one| behind.starts_with(one))
}

/// The macros of a crate that ask for the location in which they are used.
#[derive(Debug, Default)]
struct Macros<'a> {
    asking: BTreeSet<&'a str>,
    /// The ones that do so in a constant in their body.
    evaluating: BTreeSet<&'a str>,
    /// The types of the crate. Their functions named `caller` do not ask for a location by that, but by their code. `None` if code
    /// of another crate may call them.
    types: Option<BTreeSet<&'a str>>,
    /// Names under which something is imported.
    aliases: BTreeSet<&'a str>,
}

impl<'a> Macros<'a> {
    /// With the macros of dependencies that ask for the location.
    fn of_dependencies(asking: &'a BTreeSet<String>) -> Self {
        Self {
            asking: asking.iter().map(String::as_str).collect(),
            types: Some(BTreeSet::new()),
            ..Self::default()
        }
    }

    /// Adds the macros of these sources. Returns the tokens of those that may ask for the location.
    fn read_all(&mut self, sources: &'a [String]) -> Vec<Vec<Token<'a>>> {
        let (mut asking, mut others): (Vec<_>, Vec<_>) = sources
            .iter()
            .partition(|source| may_ask_for_own_location(source) || self.may_be_called(source));
        let mut sources = Vec::new();
        // Macros may use other macros, and most sources use none of them.
        while !asking.is_empty() {
            let begin = sources.len();
            sources.extend(asking.into_iter().map(|source| tokens(source)));
            for source in &sources[begin..] {
                self.read_types(source);
            }
            let mut read = |source: &Vec<_>| self.read(source);
            while sources.iter().map(&mut read).fold(false, BitOr::bitor) {}
            (asking, others) = others
                .into_iter()
                .partition(|source| self.may_be_called(source));
        }
        sources
    }

    /// Whether a source may call one of them, decided without its tokens.
    fn may_be_called(&self, source: &str) -> bool {
        let mut names = self.asking.iter();
        names.any(|name| may_call_macro(source.as_bytes(), name))
    }

    /// Adds the types of a source, and the names under which it imports something.
    fn read_types(&mut self, source: &[Token<'a>]) {
        let Some(types) = &mut self.types else {
            return;
        };
        for pair in source.windows(2) {
            if pair.iter().any(|word| word.kind != Kind::Ident) {
                continue;
            }
            match pair[0].text {
                "struct" | "enum" | "union" => types.insert(pair[1].text),
                "as" => self.aliases.insert(pair[1].text),
                _ => false,
            };
        }
    }

    /// Whether a function of this type is one of the crate.
    fn is_own_type(&self, name: &str) -> bool {
        let types = self.types.as_ref();
        types.is_some_and(|types| types.contains(name)) && !self.aliases.contains(name)
    }

    /// Adds the macros of a source. Returns whether one is new.
    fn read(&mut self, source: &[Token<'a>]) -> bool {
        let mut is_new = false;
        for at in 0..source.len() {
            let [keyword, bang, name, open] = source.get(at..at + 4).unwrap_or_default() else {
                break;
            };
            let is_renamed = self.asking.contains(keyword.text) && bang.is_ident("as");
            if is_renamed && name.kind == Kind::Ident {
                is_new |= self.asking.insert(name.text);
            }
            let (true, Kind::Open(end)) = (keyword.is_ident("macro_rules"), open.kind) else {
                continue;
            };
            let body = at + 4..end.min(source.len());
            if !bang.is_punctuation("!") {
                continue;
            }
            if body.clone().any(|at| self.asks(source, at)) {
                is_new |= self.asking.insert(name.text);
            }
            if self.is_in_constant(source, body, false) {
                is_new |= self.evaluating.insert(name.text);
            }
        }
        is_new
    }

    /// Whether a location is asked for in a constant among the tokens in `range`.
    fn is_in_constant(
        &self,
        source: &[Token<'a>],
        range: std::ops::Range<usize>,
        is_constant: bool,
    ) -> bool {
        let is_array = range.start > 0 && source[range.start - 1].text == "[";
        let mut is_constant = is_constant;
        let (mut item, mut at) = (range.start, range.start);
        while at < range.end {
            let head = &source[item..at];
            let token = &source[at];
            at += 1;
            match token.kind {
                Kind::Open(end) => {
                    let group = at..end.min(range.end);
                    let asks = group.clone().any(|at| self.asks(source, at));
                    at = end + 1;
                    // Skips groups of large tables.
                    if !asks && token.text != "{" {
                        continue;
                    }
                    let kind = kind_of(head);
                    let is_argument = token.text == "{" && is_generic_argument(head);
                    let inner = is_argument
                        || match kind {
                            Item::Constant | Item::ConstantFunction | Item::Enum => true,
                            Item::Function => false,
                            Item::Macro | Item::Other => is_constant,
                        };
                    if asks && kind != Item::Macro && self.is_in_constant(source, group, inner) {
                        return true;
                    }
                    // The value of a constant ends with a semicolon.
                    if token.text == "{" && kind != Item::Constant && !is_argument {
                        item = at;
                    }
                }
                Kind::Punctuation if token.text == ";" => {
                    // The length of an array is a constant.
                    is_constant |= is_array;
                    item = at;
                }
                Kind::Ident if self.asks(source, at - 1) => {
                    let is_in_one = match kind_of(head) {
                        Item::Constant | Item::ConstantFunction | Item::Enum => true,
                        Item::Function | Item::Macro => false,
                        Item::Other => is_constant,
                    };
                    if is_in_one || self.evaluating.contains(token.text) {
                        return true;
                    }
                }
                _ => {}
            }
        }
        false
    }

    /// Whether the token at `at` asks for the location.
    fn asks(&self, source: &[Token<'a>], at: usize) -> bool {
        let token = &source[at];
        if token.kind != Kind::Ident {
            return false;
        }
        let next = source.get(at + 1);
        let is_called = next.is_some_and(|next| next.is_punctuation("!"));
        match token.text {
            "caller" => {
                let mut before = source[..at].iter().rev();
                match before.next() {
                    Some(function) if function.is_ident("fn") => false,
                    Some(separator) if separator.kind == Kind::PathSeparator => {
                        !before.next().is_some_and(|of| self.is_own_type(of.text))
                    }
                    _ => next.is_some_and(|next| matches!(next.kind, Kind::Open(_))),
                }
            }
            name => is_called && (name == "file" || self.asking.contains(name)),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Item {
    /// A constant or a static.
    Constant,
    /// Its discriminants are constants.
    Enum,
    /// A function that can be called in them.
    ConstantFunction,
    /// Any other function.
    Function,
    Macro,
    Other,
}

/// Whether a block after these tokens is among the arguments of a generic item, not behind the comma that ends a `where` clause.
fn is_generic_argument(head: &[Token<'_>]) -> bool {
    let mut depth = 0_usize;
    let mut before = "";
    for token in outside_groups(head) {
        match token.text {
            "<" => depth += 1,
            ">" if !matches!(before, "-" | "=") => depth = depth.saturating_sub(1),
            _ => {}
        }
        before = token.text;
    }
    before == "<" || before == "," && depth > 0
}

/// The tokens that are not in a group, and those that open one.
fn outside_groups<'a, 'b>(tokens: &'b [Token<'a>]) -> impl Iterator<Item = &'b Token<'a>> {
    let mut depth = 0_usize;
    tokens.iter().filter(move |token| match token.kind {
        Kind::Open(_) => {
            depth += 1;
            depth == 1
        }
        Kind::Close => {
            depth = depth.saturating_sub(1);
            false
        }
        _ => depth == 0,
    })
}

/// The kind of the item that begins with these tokens.
fn kind_of(head: &[Token<'_>]) -> Item {
    let mut kind = Item::Other;
    let mut before = "";
    let mut tokens = outside_groups(head).peekable();
    while let Some(token) = tokens.next() {
        match token.text {
            "macro_rules" if token.kind == Kind::Ident => return Item::Macro,
            "fn" if tokens.peek().is_some_and(|next| next.kind == Kind::Ident) => {
                let is_constant = kind == Item::Constant;
                return if is_constant {
                    Item::ConstantFunction
                } else {
                    Item::Function
                };
            }
            "static" if token.kind == Kind::Ident => kind = Item::Constant,
            "enum" if token.kind == Kind::Ident && kind == Item::Other => kind = Item::Enum,
            // The `const` of a pointer or a generic parameter is skipped.
            "const" if !matches!(before, "*" | "raw" | "<" | ",") => kind = Item::Constant,
            _ => {}
        }
        before = token.text;
    }
    kind
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_in_constants_are_found() {
        let conditions = Conditions::of_arguments(&[]).of_published();
        let is_evaluated = |source: &str| {
            evaluates_own_location(&[source.to_owned()], &conditions, &BTreeSet::new())
        };
        for source in [
            "const P: &str = file!();",
            "static P: u8 = f(T { a: 1 }.b(file ! ()));",
            "const fn f() -> u8 { let p = file!(); 1 }",
            "pub const unsafe fn f<T>() { g(Location::caller()) }",
            "fn f() { const P: &str = file!(); }",
            "fn f() { let p = const { h(file!()) }; }",
            "fn f() { let p = [0; h(file!())]; }",
            "enum E { A = h(file!()) }",
            "enum A { B } const P: &str = file!();",
            "struct A; impl A { const fn caller() -> A { A(Location::caller()) } }",
            "mod a { struct A; } use std::panic::Location as A; const P: &A = A::caller();",
            "const P: &B = B::caller();",
            "macro_rules! here { () => { file!() } } const P: &str = here!();",
            "macro_rules! a { () => { b!() } } macro_rules! b { () => { file!() } } const P: &str = a!();",
            "macro_rules! here { () => { static P: &str = file!(); } } fn f() { here!() }",
            "fn f() { g::<{ file!().len() }>() }",
            "fn f() -> G<u8, { file!().len() }> { G }",
            "fn f<F>() where F: Fn(u8) -> u8, T<fn() -> u8, { file!().len() }>: A, {}",
            "fn f() -> G<{ 1 }, { file!().len() }> { G }",
            "fn f() -> G<{ 1 }> { G } const P: &str = file!();",
            "fn f() { a(b > c, G::<u8, { file!().len() }>::d()) }",
            "#[cfg(not(test))] const P: &str = file!();",
            "#[cfg(feature = \"a\")] fn f() {} const P: &str = file!();",
            "impl<const N: usize> T<N> { const P: &'static str = file!(); }",
            "fn a() {} const P: &Location = Location::caller();",
            "const P: &str = file/**/!();",
            "const P: &Location = Location::/**/caller();",
            "const P: &Location = Location :: caller ();",
            "const F: fn() -> &Location = Location:: // which\n caller;",
        ] {
            assert!(is_evaluated(source), "{source}");
        }
        for source in [
            "fn f() -> &'static str { file!() }",
            "const A: u8 = 1; fn f() { println!(\"{}\", file!()) }",
            "const A: T = T { a: 1 }; fn f() { file!(); }",
            "impl<const N: usize> T<N> { #[track_caller] fn f(p: *const u8) { Location::caller(); } }",
            "const fn a() {} fn f() { file!(); }",
            "macro_rules! here { () => { file!() } } fn f() { here!() }",
            "#[macro_export] macro_rules! here { () => { static P: &str = file!(); } } fn f() {}",
            "// const P: &str = file!();\nconst P: &str = \"file!()\";",
            "const F: fn(u8) = g; fn f() { let file = 1; caller; }",
            "enum A { B } fn f() { file!(); }",
            "fn f() { if is(Token![enum]) { file!(); } }",
            "enum A { B } impl A { const fn caller() -> u8 { 1 } } const C: u8 = A::caller();",
            "struct A; impl A { const fn caller() -> A { A { #[cfg(feature = \"a\")] b: Location::caller() } } }",
            "fn f<F>() where F: Future<Output = ()>, { file!(); }",
            "impl<T> A<T> where T: B<u8>, { fn f<F>() where F: Fn(u8) -> u8, { file!(); } }",
            "fn f() { g(1, { file!() }) }",
            "#[cfg(test)] mod tests { const P: &str = file!(); }",
            "#[cfg(feature = \"a\")] const P: &str = file!();",
            "macro_rules! here { () => { file!() } } const HERE: u8 = here(1);",
        ] {
            assert!(!is_evaluated(source), "{source}");
        }
        let sources = [
            "macro_rules! here { () => { file!() } }",
            "const P: &str = here!();",
        ];
        let sources = sources.map(str::to_owned);
        assert!(evaluates_own_location(
            &sources,
            &conditions,
            &BTreeSet::new()
        ));
        // A test of a published package.
        let conditions = Conditions::of_arguments(&["--test".to_owned()]).of_published();
        let sources = ["#[cfg(test)] mod tests { const P: &str = file!(); }".to_owned()];
        assert!(evaluates_own_location(
            &sources,
            &conditions,
            &BTreeSet::new()
        ));
    }

    #[test]
    fn code_for_another_system_may_be_compiled() {
        let sources = ["#[cfg(windows)] const P: &str = file!();".to_owned()];
        let is_evaluated = |words: &[&str]| {
            let words: Vec<_> = words.iter().map(|word| (*word).to_owned()).collect();
            let conditions = Conditions::of_arguments(&words).of_published();
            evaluates_own_location(&sources, &conditions, &BTreeSet::new())
        };
        assert!(is_evaluated(&["--target", "x86_64-pc-windows-gnu"]));
        assert!(!is_evaluated(&[]));
    }

    #[test]
    fn macros_of_dependencies_ask_where_they_are_used() {
        let all = "macro_rules! a { () => { b!() } } macro_rules! b { () => { file!() } } macro_rules! c { () => { 1 } }";
        let names = asking_macros(&[all.to_owned()]);
        assert_eq!(names.iter().collect::<Vec<_>>(), ["a", "b"]);
        let conditions = Conditions::of_arguments(&[]);
        let is_evaluated =
            |source: &str| evaluates_own_location(&[source.to_owned()], &conditions, &names);
        assert!(is_evaluated("const P: &str = low::a!();"));
        assert!(is_evaluated("const P: &str = a /* of low */ ! ();"));
        assert!(is_evaluated(
            "use low::{a as other}; const P: &str = other!();"
        ));
        assert!(!is_evaluated("const P: u8 = low::c!();"));
        assert!(!is_evaluated("fn f() -> &'static str { low::a!() }"));
    }
}
