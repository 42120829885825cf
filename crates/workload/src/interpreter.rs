//! Which program an interpreter runs, told from its arguments.

use model::Text;

use crate::Facts;
use crate::facts::base_name;
use crate::program::{self, Program};

/// How an interpreter's command line is read.
struct Language {
    /// Short options whose value is the rest of the argument, or the next one.
    values: &'static str,
    /// Short options that carry code: there is no program to name.
    code: &'static str,
    /// The short option whose value is a module.
    module: Option<char>,
    /// The short option whose value is a file.
    file: Option<char>,
    /// Long options whose value is the next argument.
    long_values: &'static [&'static str],
    /// Long options that carry code.
    long_code: &'static [&'static str],
    /// First words that are not a program but tell what to do with it.
    verbs: &'static [&'static str],
}

const PLAIN: Language = Language {
    values: "",
    code: "e",
    module: None,
    file: None,
    long_values: &[],
    long_code: &["--eval"],
    verbs: &[],
};

const PYTHON: Language = Language {
    values: "WXQ",
    code: "c",
    module: Some('m'),
    long_values: &["--check-hash-based-pycs"],
    long_code: &[],
    ..PLAIN
};

const NODE: Language = Language {
    values: "rC",
    code: "ep",
    long_values: &[
        "--require",
        "--import",
        "--loader",
        "--experimental-loader",
        "--conditions",
        "--title",
        "--inspect-port",
        "--config",
        "--import-map",
        "--cwd",
        "--preload",
    ],
    long_code: &["--eval", "--print"],
    verbs: &["inspect", "run", "serve", "start"],
    ..PLAIN
};

const RUBY: Language = Language { values: "rICE", ..PLAIN };
const PERL: Language = Language { values: "I", code: "eE", ..PLAIN };
const PHP: Language = Language { values: "dcSt", code: "rBRE", file: Some('f'), ..PLAIN };
const LUA: Language = Language { values: "l", ..PLAIN };
const SHELL: Language =
    Language { values: "oO", code: "cs", long_values: &["--rcfile", "--init-file"], long_code: &[], ..PLAIN };
const DOTNET_VALUES: &[&str] = &[
    "--additionalprobingpath",
    "--additional-deps",
    "--depsfile",
    "--runtimeconfig",
    "--fx-version",
    "--roll-forward",
];
/// Java's options are words behind one dash, so none is read as a cluster of letters.
const JAVA_VALUES: &[&str] = &[
    "-cp",
    "-classpath",
    "--class-path",
    "-p",
    "--module-path",
    "--add-modules",
    "--add-opens",
    "--add-exports",
    "--add-reads",
    "--patch-module",
    "--upgrade-module-path",
    "--limit-modules",
    "--enable-native-access",
];

/// What the process runs, when it is an interpreter that runs something with a name.
pub(crate) fn program(facts: &Facts) -> Option<Text> {
    if let Some(title) = title(facts) {
        return program::name(&Program::Import(title), facts.directory.as_deref());
    }
    let (program, at) = find(facts)?;
    let rest = facts.arguments.get(at + 1..).unwrap_or_default();
    let program = program::behind_runner(&program, rest).map_or(program, |(behind, _)| behind);
    program::name(&program, facts.directory.as_deref())
}

/// How many of the arguments tell the program.
pub(crate) fn needed_arguments(facts: &Facts) -> usize {
    match find(facts) {
        Some((program, at)) => {
            let rest = facts.arguments.get(at + 1..).unwrap_or_default();
            at + 1 + program::behind_runner(&program, rest).map_or(0, |(_, used)| used)
        }
        None => 1,
    }
}

/// Application servers write what they run into their title: `gunicorn: worker [shop.wsgi:application]`,
/// `puma 6.4 (tcp://0.0.0.0:3000) [shop]`.
fn title(facts: &Facts) -> Option<&str> {
    let [title] = facts.arguments.as_slice() else { return None };
    let server = title.starts_with("gunicorn: ") || title.starts_with("puma ") || title.starts_with("puma: ");
    let inner = title.trim_end().strip_suffix(']')?.rsplit('[').next()?;
    (server && !inner.is_empty()).then_some(inner)
}

/// The program and the place of the argument that names it.
fn find(facts: &Facts) -> Option<(Program<'_>, usize)> {
    let names = [facts.executable_name(), facts.called_as()];
    names.into_iter().flatten().find_map(|name| find_as(name, &facts.arguments))
}

fn find_as<'a>(interpreter: &str, arguments: &'a [Text]) -> Option<(Program<'a>, usize)> {
    // python3.12, ruby3.2, php8.3, pypy3, lua5.4
    let family = interpreter.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.' || c == '-');
    match family {
        "java" => java(arguments),
        "dotnet" => dotnet(arguments),
        "python" | "pypy" => PYTHON.find(arguments),
        "node" | "nodejs" | "bun" | "deno" => NODE.find(arguments),
        "ruby" | "jruby" => RUBY.find(arguments),
        "perl" => PERL.find(arguments),
        "php" => PHP.find(arguments),
        "lua" | "luajit" => LUA.find(arguments),
        "tclsh" | "wish" | "Rscript" | "julia" => PLAIN.find(arguments),
        "sh" | "bash" | "dash" | "ash" | "zsh" | "ksh" | "fish" => SHELL.find(arguments),
        _ => None,
    }
}

impl Language {
    fn find<'a>(&self, arguments: &'a [Text]) -> Option<(Program<'a>, usize)> {
        let mut at = 1;
        let mut verb_allowed = true;
        loop {
            let argument = arguments.get(at)?.as_str();
            if argument == "--" {
                at += 1;
                return Some((Program::File(arguments.get(at)?), at));
            } else if argument.starts_with("--") {
                if self.long_code.iter().any(|code| argument.split('=').next() == Some(code)) {
                    return None;
                }
                at += if self.long_values.contains(&argument) { 2 } else { 1 };
            } else if let Some(letters) = argument.strip_prefix(['-', '+']) {
                // A lone dash is a program on standard input.
                if letters.is_empty() {
                    return None;
                }
                match self.cluster(letters) {
                    Cluster::Flags => at += 1,
                    Cluster::Value => at += 2,
                    Cluster::Code => return None,
                    Cluster::Program(make, "") => return Some((make(arguments.get(at + 1)?), at + 1)),
                    Cluster::Program(make, name) => return Some((make(name), at)),
                }
            } else if verb_allowed && self.verbs.contains(&argument) {
                verb_allowed = false;
                at += 1;
            } else {
                return (!argument.is_empty()).then_some((Program::File(argument), at));
            }
        }
    }

    /// Reads `-Bum` letter by letter, as `getopt` does.
    fn cluster<'a>(&self, letters: &'a str) -> Cluster<'a> {
        for (place, letter) in letters.char_indices() {
            let rest = &letters[place + letter.len_utf8()..];
            if self.code.contains(letter) {
                return Cluster::Code;
            } else if self.module == Some(letter) {
                return Cluster::Program(Program::Module, rest);
            } else if self.file == Some(letter) {
                return Cluster::Program(Program::File, rest);
            } else if self.values.contains(letter) {
                return if rest.is_empty() { Cluster::Value } else { Cluster::Flags };
            }
        }
        Cluster::Flags
    }
}

/// What an argument of short options says.
enum Cluster<'a> {
    /// Nothing about a program.
    Flags,
    /// The next argument is an option's value.
    Value,
    /// The program is given inline.
    Code,
    /// The program, or nothing where the next argument is it.
    Program(fn(&'a str) -> Program<'a>, &'a str),
}

fn java(arguments: &[Text]) -> Option<(Program<'_>, usize)> {
    let mut at = 1;
    loop {
        let argument = arguments.get(at)?.as_str();
        match argument {
            "-jar" => return Some((Program::File(arguments.get(at + 1)?), at + 1)),
            "-m" | "--module" => return Some((Program::Class(arguments.get(at + 1)?), at + 1)),
            _ if JAVA_VALUES.contains(&argument) => at += 2,
            _ if argument.starts_with(['-', '@']) => at += 1,
            // Since Java 11 a source file can be run as it is.
            _ if argument.ends_with(".java") => return Some((Program::File(argument), at)),
            _ => return (!argument.is_empty()).then_some((Program::Class(argument), at)),
        }
    }
}

fn dotnet(arguments: &[Text]) -> Option<(Program<'_>, usize)> {
    let mut at = 1;
    loop {
        let argument = arguments.get(at)?.as_str();
        match argument {
            "exec" => at += 1,
            _ if DOTNET_VALUES.contains(&argument) => at += 2,
            _ if argument.starts_with('-') => at += 1,
            _ if base_name(argument).ends_with(".dll") => return Some((Program::File(argument), at)),
            // The SDK's own commands (`run`, `watch`, `build`).
            _ => return None,
        }
    }
}
