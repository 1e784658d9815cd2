from tsrnn import datasets

people = datasets.load_pedestrians("45 Queen Street").loc["2023-06-05":"2023-06-18"]
ax = people.plot(legend=False, color="tab:blue", linewidth=1.2)
ax.set(ylabel="people an hour", xlabel="")
