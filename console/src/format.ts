/** How values are written for people: numbers, dates, moments. Locale-free except for the words of relative time. */
import { group, isDecimal, isZero, places, round, trim } from "./decimal";

export const DASH = "\u2013";

/** Quantity: as many places as it has; zero is a dash in tables. */
export function quantity(value: string, table = false): string {
  if (table && isZero(value)) return DASH;
  return group(trim(value));
}

/** Amount in the document's currency: always two places. */
export function money(value: string): string {
  return group(round(value, 2));
}

/** Price: at least two places, more when it has more. */
export function price(value: string): string {
  return group(round(value, Math.max(2, places(value))));
}

/** Money in charts only, as each language shortens it: 12.3万, 1.25亿, 123K; the exact number belongs in the hover. */
export function shortMoney(value: number, locale: string): string {
  const digits = Math.abs(value) >= 1e8 ? 2 : Math.abs(value) >= 1e4 ? 1 : 0;
  return new Intl.NumberFormat(locale, { notation: "compact", maximumFractionDigits: digits }).format(value);
}

export function numberOrText(value: unknown): string {
  if (value === null || value === undefined || value === "") return DASH;
  const text = String(value);
  return isDecimal(text) ? group(text) : text;
}

const two = (value: number): string => String(value).padStart(2, "0");

export function isoDate(date: Date): string {
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/** This year's dates are `11-22` in lists, others keep their year. */
export function shortDate(value: string, today = new Date()): string {
  return value.startsWith(`${today.getFullYear()}-`) ? value.slice(5, 10) : value.slice(0, 10);
}

export function fullMoment(value: string): string {
  const at = new Date(value);
  if (Number.isNaN(at.getTime())) return value;
  return `${isoDate(at)} ${two(at.getHours())}:${two(at.getMinutes())}`;
}

export function clock(value: string): string {
  const at = new Date(value);
  return Number.isNaN(at.getTime()) ? value : `${two(at.getHours())}:${two(at.getMinutes())}`;
}

export type Words = (key: string, values?: Record<string, unknown>) => string;

/** Relative up to a day (`3 分钟前`), then absolute. */
export function moment(value: string, t: Words, now = new Date()): string {
  const at = new Date(value);
  if (Number.isNaN(at.getTime())) return value;
  const seconds = Math.round((now.getTime() - at.getTime()) / 1000);
  if (seconds < 0 || seconds >= 86_400) {
    const full = fullMoment(value);
    return seconds >= 0 && full.startsWith(`${now.getFullYear()}-`) ? full.slice(5) : full;
  }
  if (seconds < 60) return t("time.now");
  if (seconds < 3600) return t("time.minutes", { n: Math.floor(seconds / 60) });
  return t("time.hours", { n: Math.floor(seconds / 3600) });
}

/** A length of time in the largest sensible unit. Seconds in. */
export function age(seconds: number | null | undefined, t: Words): string {
  if (seconds === null || seconds === undefined) return DASH;
  if (seconds < 60) return t("time.s", { n: Math.round(seconds) });
  if (seconds < 3600) return t("time.m", { n: Math.round(seconds / 60) });
  if (seconds < 172_800) return t("time.h", { n: Math.round(seconds / 3600) });
  return t("time.d", { n: Math.round(seconds / 86_400) });
}
