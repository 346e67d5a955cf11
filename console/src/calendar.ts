/** Days as text, `2026-11-22`: reading what somebody typed, and laying out a month. */
import { narrow } from "./decimal";
import { isoDate } from "./format";

/** The day somebody typed, or null. A day without a year is the one of `today`'s year. */
export function typedDate(text: string, today = new Date()): string | null {
  const plain = narrow(text).trim().replace(/[年月/.]/g, "-").replace(/日$/, "");
  const long = /^(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ].*)?$/.exec(plain) ?? /^(\d{4})(\d{2})(\d{2})$/.exec(plain);
  const short = long ? null : /^(\d{1,2})-(\d{1,2})$/.exec(plain) ?? /^(\d{2})(\d{2})$/.exec(plain);
  if (!long && !short) return null;
  const year = long ? Number(long[1]) : today.getFullYear();
  const month = Number(long ? long[2] : short?.[1]);
  const day = Number(long ? long[3] : short?.[2]);
  const date = new Date(year, month - 1, day);
  return date.getFullYear() === year && date.getMonth() === month - 1 && date.getDate() === day ? isoDate(date) : null;
}

/** Six weeks, Monday first, that show the month of `month` (`2026-11`). */
export function weeksOf(month: string): string[][] {
  const [year = 2000, number = 1] = month.split("-").map(Number);
  const first = new Date(year, number - 1, 1);
  const start = 1 - ((first.getDay() + 6) % 7);
  return Array.from({ length: 6 }, (_w, week) =>
    Array.from({ length: 7 }, (_d, day) => isoDate(new Date(year, number - 1, start + week * 7 + day))));
}

export function monthAfter(month: string, by: number): string {
  const [year = 2000, number = 1] = month.split("-").map(Number);
  return isoDate(new Date(year, number - 1 + by, 1)).slice(0, 7);
}

export function dayAfter(day: string, by: number): string {
  const [year = 2000, month = 1, date = 1] = day.split("-").map(Number);
  return isoDate(new Date(year, month - 1, date + by));
}
