//! The rows.

use super::Language::{DotNet, Go, Java, Node, Provided, Python, Ruby};
use super::System::{AmazonLinux1, AmazonLinux2, AmazonLinux2023};
use super::{Date, Language, Life, Runtime, System};

/// All of them: current, previews, and deprecated ones, whose functions are
/// invoked for ever. Identifiers are those of Lambda's API; days as AWS's page
/// had them in the summer of 2026.
// A row is a line.
#[rustfmt::skip]
pub const RUNTIMES: &[Runtime] = &[
    // Node.js.
    both("nodejs26.x", Node, AmazonLinux2023, Life::Preview),
    both("nodejs24.x", Node, AmazonLinux2023, until((2028, 4, 30), (2028, 6, 1), (2028, 7, 1))),
    both("nodejs22.x", Node, AmazonLinux2023, until((2027, 4, 30), (2027, 6, 1), (2027, 7, 1))),
    both("nodejs20.x", Node, AmazonLinux2023, until((2026, 4, 30), (2027, 2, 1), (2027, 3, 3))),
    both("nodejs18.x", Node, AmazonLinux2, until((2025, 9, 1), (2027, 2, 1), (2027, 3, 3))),
    both("nodejs16.x", Node, AmazonLinux2, until((2024, 6, 12), (2027, 2, 1), (2027, 3, 3))),
    both("nodejs14.x", Node, AmazonLinux2, until((2023, 12, 4), (2024, 1, 9), (2027, 3, 3))),
    both("nodejs12.x", Node, AmazonLinux2, until((2023, 3, 31), (2023, 3, 31), (2023, 4, 30))),
    x86("nodejs10.x", Node, AmazonLinux2, until((2021, 7, 30), (2021, 7, 30), (2022, 2, 14))),
    x86("nodejs8.10", Node, AmazonLinux1, until((2020, 3, 6), (2020, 2, 4), (2020, 3, 6))),
    x86("nodejs6.10", Node, AmazonLinux1, until((2019, 8, 12), (2019, 7, 12), (2019, 8, 12))),
    x86("nodejs4.3-edge", Node, AmazonLinux1, until((2020, 3, 5), (2019, 3, 31), (2019, 4, 30))),
    x86("nodejs4.3", Node, AmazonLinux1, until((2020, 3, 5), (2020, 2, 3), (2020, 3, 5))),
    x86("nodejs", Node, AmazonLinux1, until((2016, 8, 30), (2016, 9, 30), (2016, 10, 31))),
    // Python.
    both("python3.15", Python, AmazonLinux2023, Life::Preview),
    both("python3.14", Python, AmazonLinux2023, until((2029, 6, 30), (2029, 7, 31), (2029, 8, 31))),
    both("python3.13", Python, AmazonLinux2023, until((2029, 6, 30), (2029, 7, 31), (2029, 8, 31))),
    both("python3.12", Python, AmazonLinux2023, until((2028, 10, 31), (2028, 11, 30), (2029, 1, 10))),
    both("python3.11", Python, AmazonLinux2, until((2027, 6, 30), (2027, 7, 31), (2027, 8, 31))),
    both("python3.10", Python, AmazonLinux2, until((2026, 10, 31), (2027, 2, 1), (2027, 3, 3))),
    both("python3.9", Python, AmazonLinux2, until((2025, 12, 15), (2027, 2, 1), (2027, 3, 3))),
    both("python3.8", Python, AmazonLinux2, until((2024, 10, 14), (2027, 2, 1), (2027, 3, 3))),
    x86("python3.7", Python, AmazonLinux1, until((2023, 12, 4), (2024, 1, 9), (2027, 3, 3))),
    x86("python3.6", Python, AmazonLinux1, until((2022, 7, 18), (2022, 7, 18), (2022, 8, 29))),
    x86("python2.7", Python, AmazonLinux1, until((2021, 7, 15), (2021, 7, 15), (2022, 5, 30))),
    // Java.
    both("java25", Java, AmazonLinux2023, until((2029, 6, 30), (2029, 7, 31), (2029, 8, 31))),
    both("java21", Java, AmazonLinux2023, until((2029, 6, 30), (2029, 7, 31), (2029, 8, 31))),
    both("java17.al2023", Java, AmazonLinux2023, until((2029, 6, 30), (2029, 7, 31), (2029, 8, 31))),
    both("java11.al2023", Java, AmazonLinux2023, until((2029, 6, 30), (2029, 7, 31), (2029, 8, 31))),
    both("java8.al2023", Java, AmazonLinux2023, until((2029, 6, 30), (2029, 7, 31), (2029, 8, 31))),
    both("java17", Java, AmazonLinux2, until((2027, 6, 30), (2027, 7, 31), (2027, 8, 31))),
    both("java11", Java, AmazonLinux2, until((2027, 6, 30), (2027, 7, 31), (2027, 8, 31))),
    both("java8.al2", Java, AmazonLinux2, until((2027, 6, 30), (2027, 7, 31), (2027, 8, 31))),
    x86("java8", Java, AmazonLinux1, until((2024, 1, 8), (2024, 2, 8), (2027, 3, 3))),
    // .NET.
    both("dotnet10", DotNet, AmazonLinux2023, until((2028, 11, 14), (2028, 12, 14), (2029, 1, 15))),
    both("dotnet8", DotNet, AmazonLinux2023, until((2026, 11, 10), (2027, 2, 1), (2027, 3, 3))),
    both("dotnet6", DotNet, AmazonLinux2, until((2024, 12, 20), (2027, 2, 1), (2027, 3, 3))),
    both("dotnetcore3.1", DotNet, AmazonLinux2, until((2023, 4, 3), (2023, 4, 3), (2023, 5, 3))),
    x86("dotnetcore2.1", DotNet, AmazonLinux1, until((2022, 1, 5), (2022, 1, 5), (2022, 4, 13))),
    x86("dotnetcore2.0", DotNet, AmazonLinux1, until((2019, 5, 30), (2019, 4, 30), (2019, 5, 30))),
    x86("dotnetcore1.0", DotNet, AmazonLinux1, until((2019, 6, 27), (2019, 6, 30), (2019, 7, 30))),
    // Ruby.
    both("ruby4.0", Ruby, AmazonLinux2023, until((2029, 3, 31), (2029, 4, 30), (2029, 5, 31))),
    both("ruby3.4", Ruby, AmazonLinux2023, until((2028, 3, 31), (2028, 4, 30), (2028, 5, 31))),
    both("ruby3.3", Ruby, AmazonLinux2023, until((2027, 3, 31), (2027, 4, 30), (2027, 5, 31))),
    both("ruby3.2", Ruby, AmazonLinux2, until((2026, 3, 31), (2027, 2, 1), (2027, 3, 3))),
    both("ruby2.7", Ruby, AmazonLinux2, until((2023, 12, 7), (2024, 1, 9), (2027, 3, 3))),
    x86("ruby2.5", Ruby, AmazonLinux1, until((2021, 7, 30), (2021, 7, 30), (2022, 3, 31))),
    // Go.
    x86("go1.x", Go, AmazonLinux1, until((2024, 1, 8), (2024, 2, 8), (2027, 3, 3))),
    // Operating system only.
    both("provided.al2023", Provided, AmazonLinux2023, until((2029, 6, 30), (2029, 7, 31), (2029, 8, 31))),
    both("provided.al2", Provided, AmazonLinux2, until((2026, 7, 31), (2027, 2, 1), (2027, 3, 3))),
    x86("provided", Provided, AmazonLinux1, until((2024, 1, 8), (2024, 2, 8), (2027, 3, 3))),
];

const fn both(identifier: &'static str, language: Language, system: System, life: Life) -> Runtime {
    Runtime {
        identifier,
        language,
        system,
        arm64: true,
        life,
    }
}

const fn x86(identifier: &'static str, language: Language, system: System, life: Life) -> Runtime {
    Runtime {
        arm64: false,
        ..both(identifier, language, system, life)
    }
}

const fn until(deprecated: Day, no_create: Day, no_update: Day) -> Life {
    Life::Until {
        deprecated: date(deprecated),
        no_create: date(no_create),
        no_update: date(no_update),
    }
}

type Day = (u16, u8, u8);

const fn date((year, month, day): Day) -> Date {
    Date { year, month, day }
}
