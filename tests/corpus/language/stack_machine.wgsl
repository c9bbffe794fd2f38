// Runs programs of a small machine: what an interpreter on a GPU looks like. Each thread has its own program and stack.
const STACK = 16u;
const STEPS = 400u;
const HALT = 0u; const PUSH = 1u; const ADD = 2u; const SUB = 3u; const MUL = 4u; const DIV = 5u; const DUP = 6u; const SWAP = 7u;
const DROP = 8u; const OVER = 9u; const JUMP = 10u; const JUMP_ZERO = 11u; const LESS = 12u; const LOAD = 13u; const STORE = 14u;
const NOT = 15u; const AND = 16u; const OR = 17u; const XOR = 18u; const SHIFT = 19u; const ROTATE = 20u; const CALL = 21u; const RETURN = 22u;
struct Machine { pc: u32, sp: u32, calls: u32, fault: u32, stack: array<i32, STACK>, returns: array<u32, 8>, memory: array<i32, 8> }
@group(0) @binding(0) var<storage, read> code: array<i32>;
@group(0) @binding(1) var<storage, read> arguments: array<i32>;
@group(0) @binding(2) var<storage, read_write> results: array<vec2i>;
var<private> m: Machine;
fn push(value: i32) {
    if m.sp >= STACK {
        m.fault = 1;
        return;
    }
    m.stack[m.sp] = value;
    m.sp++;
}
fn pop() -> i32 {
    if m.sp == 0 {
        m.fault = 2;
        return 0;
    }
    m.sp--;
    return m.stack[m.sp];
}
fn operand() -> i32 {
    let value = code[m.pc];
    m.pc++;
    return value;
}
fn step() -> bool {
    if m.pc >= arrayLength(&code) {
        m.fault = 3;
        return false;
    }
    let op = u32(operand());
    switch op {
        case HALT { return false; }
        case PUSH { push(operand()); }
        case ADD, SUB, MUL, DIV, LESS, AND, OR, XOR, SHIFT {
            let b = pop();
            let a = pop();
            switch op {
                case ADD { push(a + b); }
                case SUB { push(a - b); }
                case MUL { push(a * b); }
                case DIV {
                    if b == 0 { m.fault = 4; } else { push(a / b); }
                }
                case LESS { push(select(0, 1, a < b)); }
                case AND { push(a & b); }
                case OR { push(a | b); }
                case XOR { push(a ^ b); }
                default { push(select(a << u32(b & 31), a >> u32(-b & 31), b < 0)); }
            }
        }
        case DUP {
            let a = pop();
            push(a);
            push(a);
        }
        case SWAP {
            let b = pop();
            let a = pop();
            push(b);
            push(a);
        }
        case DROP { _ = pop(); }
        case OVER {
            let b = pop();
            let a = pop();
            push(a);
            push(b);
            push(a);
        }
        case ROTATE {
            let c = pop();
            let b = pop();
            let a = pop();
            push(b);
            push(c);
            push(a);
        }
        case JUMP { m.pc = u32(operand()); }
        case JUMP_ZERO {
            let where_to = u32(operand());
            if pop() == 0 { m.pc = where_to; }
        }
        case LOAD { push(m.memory[u32(operand()) % 8]); }
        case STORE { m.memory[u32(operand()) % 8] = pop(); }
        case NOT { push(select(0, 1, pop() == 0)); }
        case CALL {
            let where_to = u32(operand());
            if m.calls == 8 {
                m.fault = 5;
            } else {
                m.returns[m.calls] = m.pc;
                m.calls++;
                m.pc = where_to;
            }
        }
        case RETURN {
            if m.calls == 0 {
                m.fault = 6;
            } else {
                m.calls--;
                m.pc = m.returns[m.calls];
            }
        }
        default { m.fault = 7; }
    }
    return m.fault == 0;
}
@compute @workgroup_size(16) fn main(@builtin(global_invocation_id) id: vec3u) {
    if id.x >= arrayLength(&arguments) { return; }
    m = Machine();
    push(arguments[id.x]);
    var steps = 0u;
    loop {
        if steps == STEPS {
            m.fault = 8;
            break;
        }
        if !step() { break; }
        continuing { steps++; }
    }
    results[id.x] = vec2i(select(0, m.stack[max(m.sp, 1) - 1], m.sp > 0), i32(m.fault));
}
