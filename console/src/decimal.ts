/** Exact decimals as strings. Nothing here ever becomes a floating-point number. */

interface Parts { digits: bigint; scale: number }

const PATTERN = /^([+-]?)(\d*)(?:\.(\d*))?$/;

export function isDecimal(text: string): boolean {
  return PATTERN.test(text) && /\d/.test(text);
}

function parts(text: string): Parts {
  const match = PATTERN.exec(text);
  if (!match || !/\d/.test(text)) return { digits: 0n, scale: 0 };
  const fraction = match[3] ?? "";
  const digits = BigInt(`${match[2] ?? ""}${fraction}` || "0");
  return { digits: match[1] === "-" ? -digits : digits, scale: fraction.length };
}

function text({ digits, scale }: Parts): string {
  const negative = digits < 0n;
  const plain = (negative ? -digits : digits).toString().padStart(scale + 1, "0");
  const whole = plain.slice(0, plain.length - scale);
  const fraction = scale ? `.${plain.slice(plain.length - scale)}` : "";
  return `${negative ? "-" : ""}${whole}${fraction}`;
}

function align(a: Parts, b: Parts): [bigint, bigint, number] {
  const scale = Math.max(a.scale, b.scale);
  return [a.digits * 10n ** BigInt(scale - a.scale), b.digits * 10n ** BigInt(scale - b.scale), scale];
}

export function add(a: string, b: string): string {
  const [x, y, scale] = align(parts(a), parts(b));
  return text({ digits: x + y, scale });
}

export function subtract(a: string, b: string): string {
  const [x, y, scale] = align(parts(a), parts(b));
  return text({ digits: x - y, scale });
}

export function sum(values: Iterable<unknown>): string {
  let total = "0";
  for (const value of values) if (typeof value === "string" && isDecimal(value)) total = add(total, value);
  return total;
}

export function compare(a: string, b: string): -1 | 0 | 1 {
  const [x, y] = align(parts(a), parts(b));
  return x < y ? -1 : x > y ? 1 : 0;
}

export function isZero(value: string): boolean {
  return parts(value).digits === 0n;
}

/** Shift the point: `shift("0.13", 2)` is `13`, `shift("13", -2)` is `0.13`. */
export function shift(value: string, places: number): string {
  const { digits, scale } = parts(value);
  const moved = scale - places;
  return trim(moved >= 0 ? text({ digits, scale: moved }) : text({ digits: digits * 10n ** BigInt(-moved), scale: 0 }));
}

/** Without trailing zeros after the point, and without a bare point. */
export function trim(value: string): string {
  return value.includes(".") ? value.replace(/0+$/, "").replace(/\.$/, "") : value;
}

/** Rounded half away from zero to `scale` places, zeros kept. */
export function round(value: string, scale: number): string {
  const given = parts(value);
  if (given.scale <= scale) return text({ digits: given.digits * 10n ** BigInt(scale - given.scale), scale });
  const unit = 10n ** BigInt(given.scale - scale);
  const negative = given.digits < 0n;
  const magnitude = negative ? -given.digits : given.digits;
  const kept = (magnitude + unit / 2n) / unit;
  return text({ digits: negative ? -kept : kept, scale });
}

export function places(value: string): number {
  return parts(trim(value)).scale;
}

/** Thousands separators and a real minus sign. */
export function group(value: string): string {
  const [whole = "0", fraction] = value.replace(/^[+-]/, "").split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+(?!\d))/g, ",");
  const sign = value.startsWith("-") && /[1-9]/.test(value) ? "\u2212" : "";
  return `${sign}${grouped}${fraction === undefined ? "" : `.${fraction}`}`;
}

const WIDE: Record<string, string> = { "，": ",", "。": ".", "．": ".", "－": "-", "\u2212": "-", "％": "%", "　": " " };

/** Full-width digits and punctuation of a Chinese input method become plain ones. */
export function narrow(value: string): string {
  return value.replace(/[，。．－\u2212％　０-９]/g, (char) => WIDE[char] ?? String.fromCharCode(char.charCodeAt(0) - 0xfee0));
}

const GROUPED = /^[+-]?\d{1,3}(,\d{3})+(\.\d*)?$/;

/**
 * What somebody typed or pasted as a number: `￥1,234.50`, `１２`, ` -3 `. Null when it is no number. A comma stands between
 * groups of three digits, as the server reads it: `3,5` may mean 3.5 or 35, so it is asked for again.
 */
export function typed(value: string): string | null {
  const given = narrow(value).trim().replace(/^([+-]?)\s*[¥￥$]\s*/, "$1");
  const plain = GROUPED.test(given) ? given.replaceAll(",", "") : given;
  if (!isDecimal(plain)) return null;
  const sign = plain.startsWith("-") ? "-" : "";
  const [whole = "", fraction] = plain.replace(/^[+-]/, "").split(".");
  const head = whole.replace(/^0+(?=\d)/, "") || "0";
  return `${sign}${head}${fraction ? `.${fraction}` : ""}`;
}
