# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Measurements in a JSON file that grows one by one, so that a run that was interrupted goes on where it was."""
import json
import os
import pathlib


class Store:
    """{"about": {…}, "measurements": [{"key": {…}, …}]}; a key is a dictionary of what was asked for."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.content = json.loads(self.path.read_text()) if self.path.exists() else {'about': {}, 'measurements': []}

    @property
    def measurements(self):
        return self.content['measurements']

    def find(self, key):
        return next((entry for entry in self.measurements if entry['key'] == key), None)

    def describe(self, **facts):
        """Facts about the whole file. Those of another processor or compiler than before are refused: figures must not mix."""
        for name in ('processor', 'compiler'):
            before = self.content['about'].get(name)
            if self.measurements and before and name in facts and before != facts[name]:
                raise ValueError(f'{self.path} holds measurements with another {name} ({before}, now {facts[name]}): '
                                 'choose another file with --output')
        self.content['about'].update(facts)

    def put(self, key, values):
        """Replaces the measurement of that key, or appends it; written at once, whole or not at all."""
        entry = {'key': key, **values}
        for i, other in enumerate(self.measurements):
            if other['key'] == key:
                self.measurements[i] = entry
                break
        else:
            self.measurements.append(entry)
        self.save()

    def save(self):
        self.path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.path.with_name(self.path.name + '.new')
        temporary.write_text(json.dumps(self.content, indent=1) + '\n')
        os.replace(temporary, self.path)
