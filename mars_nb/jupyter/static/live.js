export default { initialize() {}, render({ model, el }) { el.textContent = model.get("scene").line; } };
