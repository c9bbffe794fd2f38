//! Random programs that index arrays, as WGSL text and with an interpreter that computes the indices.

use std::fmt::Write as _;

/// The number of variables of a program.
const VARIABLES: usize = 3;
/// The most steps of a run.
const STEPS: u32 = 1000;

/// The bits of a constant of the program's type.
enum Expr {
    Constant(u32),
    Variable(usize),
    /// The local invocation index.
    Local,
    /// One of the program's inputs, which may have any value.
    Input(usize),
    Binary(&'static str, Box<Expr>, Box<Expr>),
}

struct Condition(&'static str, Expr, Expr);

enum Statement {
    Assign(usize, Expr),
    /// An access to the array with this number.
    Access(usize, Expr),
    If(Condition, Vec<Statement>, Vec<Statement>),
    While(Condition, Vec<Statement>),
    For(usize, u32, Condition, u32, Vec<Statement>),
    /// A `break` or a `continue` under a condition.
    Break(Condition),
    Continue(Condition),
}

/// A random program.
pub(super) struct Program {
    signed: bool,
    starts: [u32; VARIABLES],
    body: Vec<Statement>,
    lengths: Vec<u32>,
}

struct Random(u64);

impl Random {
    fn below(&mut self, n: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 33) as u32 % n
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len() as u32) as usize]
    }

    fn constant(&mut self) -> u32 {
        if self.below(12) == 0 { self.of(&[0x7fff_ffff, 0x8000_0001, 0xffff_fff0]) } else { self.below(70) }
    }
}

impl Program {
    pub(super) fn random(seed: u64) -> Program {
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        for _ in 0..5 {
            random.below(2);
        }
        let starts = std::array::from_fn(|_| random.below(70));
        let mut program = Program { signed: random.below(2) == 0, starts, body: Vec::new(), lengths: Vec::new() };
        program.body = program.block(&mut random, 3, false);
        program
    }

    /// The lengths of the arrays. All lengths are different.
    pub(super) fn lengths(&self) -> &[u32] {
        &self.lengths
    }

    fn block(&mut self, random: &mut Random, depth: u32, in_loop: bool) -> Vec<Statement> {
        (0..2 + random.below(3)).map(|_| self.statement(random, depth, in_loop)).collect()
    }

    fn statement(&mut self, random: &mut Random, depth: u32, in_loop: bool) -> Statement {
        match random.below(if depth == 0 { 6 } else { 11 }) {
            0 if in_loop => Statement::Break(self.condition(random)),
            1 if in_loop => Statement::Continue(self.condition(random)),
            0 | 1 => Statement::Assign(random.below(VARIABLES as u32) as usize, self.expr(random, 2)),
            2..=5 => {
                // Lengths near the possible indices, each used once.
                let length = (1..).map(|i| 3 + random.below(40 + i * 3)).find(|length| !self.lengths.contains(length)).unwrap_or(1000);
                self.lengths.push(length);
                Statement::Access(self.lengths.len() - 1, self.expr(random, 2))
            }
            6 | 7 => {
                let condition = self.condition(random);
                Statement::If(condition, self.block(random, depth - 1, in_loop), self.block(random, depth - 1, in_loop))
            }
            8 => {
                let condition = self.condition(random);
                Statement::While(condition, self.block(random, depth - 1, true))
            }
            _ => {
                let variable = random.below(VARIABLES as u32) as usize;
                let bound = if random.below(3) == 0 { self.expr(random, 1) } else { Expr::Constant(random.constant()) };
                let condition = Condition(random.of(&["<", "<", "<", "<=", "!="]), Expr::Variable(variable), bound);
                Statement::For(variable, random.below(8), condition, 1 + random.below(4), self.block(random, depth - 1, true))
            }
        }
    }

    fn condition(&self, random: &mut Random) -> Condition {
        let right = if random.below(2) == 0 { Expr::Constant(random.constant()) } else { self.expr(random, 1) };
        Condition(random.of(&["<", "<=", ">", ">=", "==", "!="]), self.expr(random, 1), right)
    }

    /// The leftmost operand is never a constant. Otherwise the compiler would evaluate the expression and might report an overflow.
    fn expr(&self, random: &mut Random, depth: u32) -> Expr {
        if depth == 0 || random.below(3) == 0 {
            return match random.below(8) {
                0..=4 => Expr::Variable(random.below(VARIABLES as u32) as usize),
                5 | 6 => Expr::Local,
                _ => Expr::Input(random.below(2) as usize),
            };
        }
        let op = random.of(&["+", "+", "-", "*", "/", "%", "%", "&", "&", "|", "^", "<<", ">>", "min", "max"]);
        let left = self.expr(random, depth - 1);
        let right = match op {
            "<<" | ">>" => Expr::Constant(random.below(32)),
            "/" | "%" if random.below(2) == 0 => Expr::Constant(1 + random.below(40)),
            "/" | "%" => self.expr(random, depth - 1),
            _ if random.below(2) == 0 => Expr::Constant(random.constant()),
            _ => self.expr(random, depth - 1),
        };
        Expr::Binary(op, Box::new(left), Box::new(right))
    }

    /// The program as WGSL.
    pub(super) fn source(&self) -> String {
        let ty = if self.signed { "i32" } else { "u32" };
        let mut text = format!("@group(0) @binding(0) var<storage, read_write> input: array<{ty}>;\n");
        for (i, length) in self.lengths.iter().enumerate() {
            let _ = writeln!(text, "var<private> a{i}: array<u32, {length}>;");
        }
        let _ = writeln!(text, "@compute @workgroup_size(64) fn main(@builtin(local_invocation_index) local: u32) {{");
        for (i, start) in self.starts.iter().enumerate() {
            let _ = writeln!(text, "var v{i} = {};", self.literal(*start));
        }
        self.write_block(&mut text, &self.body);
        text.push('}');
        text
    }

    fn literal(&self, bits: u32) -> String {
        if self.signed { format!("i32({})", bits as i32) } else { format!("{bits}u") }
    }

    fn write_block(&self, text: &mut String, block: &[Statement]) {
        for statement in block {
            let condition = |c: &Condition| format!("{} {} {}", self.text(&c.1), c.0, self.text(&c.2));
            match statement {
                Statement::Assign(variable, value) => {
                    let _ = writeln!(text, "v{variable} = {};", self.text(value));
                }
                Statement::Access(array, index) => {
                    let _ = writeln!(text, "a{array}[{}] += 1u;", self.text(index));
                }
                Statement::Break(c) => {
                    let _ = writeln!(text, "if {} {{ break; }}", condition(c));
                }
                Statement::Continue(c) => {
                    let _ = writeln!(text, "if {} {{ continue; }}", condition(c));
                }
                Statement::If(c, then, other) => {
                    let _ = writeln!(text, "if {} {{", condition(c));
                    self.write_block(text, then);
                    text.push_str("} else {\n");
                    self.write_block(text, other);
                    text.push_str("}\n");
                }
                Statement::While(c, body) => {
                    let _ = writeln!(text, "while {} {{", condition(c));
                    self.write_block(text, body);
                    text.push_str("}\n");
                }
                Statement::For(v, start, c, step, body) => {
                    let (start, step) = (self.literal(*start), self.literal(*step));
                    let _ = writeln!(text, "for (v{v} = {start}; {}; v{v} += {step}) {{", condition(c));
                    self.write_block(text, body);
                    text.push_str("}\n");
                }
            }
        }
    }

    fn text(&self, expr: &Expr) -> String {
        match expr {
            Expr::Constant(bits) => self.literal(*bits),
            Expr::Variable(i) => format!("v{i}"),
            Expr::Local if self.signed => "i32(local)".into(),
            Expr::Local => "local".into(),
            Expr::Input(i) => format!("input[{i}]"),
            Expr::Binary(op @ ("min" | "max"), a, b) => format!("{op}({}, {})", self.text(a), self.text(b)),
            Expr::Binary(op @ ("<<" | ">>"), a, b) => {
                let Expr::Constant(bits) = **b else { unreachable!("shifts are by constants") };
                format!("({} {op} {bits}u)", self.text(a))
            }
            Expr::Binary(op, a, b) => format!("({} {op} {})", self.text(a), self.text(b)),
        }
    }

    /// Runs the program in all invocations, for several inputs. Returns the highest index (unsigned) of each array that was accessed.
    pub(super) fn run(&self) -> Vec<Option<u32>> {
        let mut highest = vec![None; self.lengths.len()];
        for input in [[0, 1], [63, 64], [5, u32::MAX], [0x8000_0000, 40], [1000, 7]] {
            for local in [0, 1, 7, 30, 63] {
                let mut run = Run { program: self, input, local, variables: self.starts, steps: STEPS, highest: &mut highest };
                run.block(&self.body);
            }
        }
        highest
    }
}

/// The reason why a block ended.
#[derive(PartialEq)]
enum End {
    Through,
    Break,
    Continue,
    /// The limit of steps was reached.
    Stop,
}

struct Run<'a> {
    program: &'a Program,
    input: [u32; 2],
    local: u32,
    variables: [u32; VARIABLES],
    steps: u32,
    highest: &'a mut [Option<u32>],
}

impl Run<'_> {
    fn block(&mut self, block: &[Statement]) -> End {
        for statement in block {
            if self.steps == 0 {
                return End::Stop;
            }
            self.steps -= 1;
            match statement {
                Statement::Assign(variable, value) => self.variables[*variable] = self.value(value),
                Statement::Access(array, index) => {
                    let index = self.value(index);
                    let highest = &mut self.highest[*array];
                    *highest = Some(highest.map_or(index, |old| old.max(index)));
                }
                Statement::Break(c) if self.holds(c) => return End::Break,
                Statement::Continue(c) if self.holds(c) => return End::Continue,
                Statement::Break(_) | Statement::Continue(_) => {}
                Statement::If(c, then, other) => {
                    let end = if self.holds(c) { self.block(then) } else { self.block(other) };
                    if end != End::Through {
                        return end;
                    }
                }
                Statement::While(c, body) => {
                    if self.repeat(c, body, |_| {}) == End::Stop {
                        return End::Stop;
                    }
                }
                Statement::For(v, start, c, step, body) => {
                    self.variables[*v] = *start;
                    if self.repeat(c, body, |run| run.variables[*v] = run.variables[*v].wrapping_add(*step)) == End::Stop {
                        return End::Stop;
                    }
                }
            }
        }
        End::Through
    }

    fn repeat(&mut self, condition: &Condition, body: &[Statement], next: impl Fn(&mut Self)) -> End {
        while self.holds(condition) {
            if self.steps == 0 {
                return End::Stop;
            }
            self.steps -= 1;
            match self.block(body) {
                End::Break => break,
                End::Stop => return End::Stop,
                End::Through | End::Continue => next(self),
            }
        }
        End::Through
    }

    fn holds(&self, Condition(op, a, b): &Condition) -> bool {
        let (a, b) = (self.value(a), self.value(b));
        let order = if self.program.signed { (a as i32).cmp(&(b as i32)) } else { a.cmp(&b) };
        match *op {
            "<" => order.is_lt(),
            "<=" => order.is_le(),
            ">" => order.is_gt(),
            ">=" => order.is_ge(),
            "==" => order.is_eq(),
            _ => order.is_ne(),
        }
    }

    fn value(&self, expr: &Expr) -> u32 {
        let (op, a, b) = match expr {
            Expr::Constant(bits) => return *bits,
            Expr::Variable(i) => return self.variables[*i],
            Expr::Local => return self.local,
            Expr::Input(i) => return self.input[*i],
            Expr::Binary(op, a, b) => (*op, self.value(a), self.value(b)),
        };
        let (sa, sb) = (a as i32, b as i32);
        match (op, self.program.signed) {
            ("+", _) => a.wrapping_add(b),
            ("-", _) => a.wrapping_sub(b),
            ("*", _) => a.wrapping_mul(b),
            // WGSL defines division by zero, and the one quotient that overflows.
            ("/", false) => a.checked_div(b).unwrap_or(a),
            ("%", false) => a.checked_rem(b).unwrap_or(0),
            ("/", true) => sa.checked_div(sb).unwrap_or(sa) as u32,
            ("%", true) => sa.checked_rem(sb).unwrap_or(0) as u32,
            ("&", _) => a & b,
            ("|", _) => a | b,
            ("^", _) => a ^ b,
            ("<<", _) => a << b,
            (">>", false) => a >> b,
            (">>", true) => (sa >> b) as u32,
            ("min", false) => a.min(b),
            ("max", false) => a.max(b),
            ("min", true) => sa.min(sb) as u32,
            _ => sa.max(sb) as u32,
        }
    }
}
