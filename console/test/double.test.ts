/** A double click on what changes under the pointer. */
import { beforeAll, beforeEach, describe, expect, it, vi } from "vitest";

import { guardDoubleClicks } from "../src/ui/double";

let pressed: string[] = [];

function button(words: string): HTMLButtonElement {
  const made = document.body.appendChild(document.createElement("button"));
  made.innerHTML = `<span>${words}</span>`;
  made.addEventListener("click", () => pressed.push(made.textContent ?? ""));
  return made;
}

function click(on: Element, detail: number): void {
  on.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true, detail }));
}

describe("the second click of a double click", () => {
  beforeAll(() => guardDoubleClicks(window));
  beforeEach(() => {
    document.body.replaceChildren();
    pressed = [];
  });

  it("presses the same button again, however often", () => {
    const insert = button("Insert");
    for (const detail of [1, 2, 3]) click(insert.firstElementChild ?? insert, detail);
    expect(pressed).toEqual(["Insert", "Insert", "Insert"]);
  });

  it("does not press what the button has become", () => {
    const one = button("Save");
    click(one, 1);
    one.textContent = "Submit";
    click(one, 2);
    expect(pressed).toEqual(["Save"]);
    click(one, 1); // meant
    expect(pressed).toEqual(["Save", "Submit"]);
  });

  it("does not press, follow or submit what has come to lie there", () => {
    const submitted = vi.fn((event: Event) => event.preventDefault());
    const form = document.body.appendChild(document.createElement("form"));
    form.addEventListener("submit", submitted);
    const open = button("Void");
    const sure = form.appendChild(button("Yes, void"));
    click(open, 1);
    click(sure, 2);
    expect(pressed).toEqual(["Void"]);
    expect(submitted).not.toHaveBeenCalled();
    click(sure, 1);
    expect(submitted).toHaveBeenCalledOnce();
  });

  it("leaves alone what is no button, such as the cell a double click opens", () => {
    const cell = document.body.appendChild(document.createElement("div"));
    const heard = vi.fn();
    cell.addEventListener("click", heard);
    click(button("Close"), 1);
    click(cell, 2);
    expect(heard).toHaveBeenCalledOnce();
  });
});
